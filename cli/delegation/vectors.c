/* tipstaff delegation vectors: every chain and the handshake of a file, judged
 * with the file's own configuration by the code that the gate uses. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/delegation/delegation_cmds.h"
#include "cli/delegation/vectors_flips.h"
#include "cli/delegation/vectors_load.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "cli/term.h"
#include "proto/trust/handshake.h"
#include "proto/trust/id.h"

#define IDS_OF "two-blocks" /* the chain whose ids the file lists */

/* Bytes of valid chains of which every bit is flipped unasked: some seconds. */
#define FLIP_BYTES_MAX 8192

struct run {
    const json_t *top;
    struct vectors_config config;
    size_t passed, failed;
    bool all_flips;     /* --flips */
    size_t valid_bytes; /* of the accepted chains */
};

static void count(struct run *r, bool ok, const char *name, const char *want,
                  const char *got)
{
    if (ok) {
        r->passed++;
        return;
    }
    r->failed++;
    (void)printf("FAILED %s: expected %s, got %s\n", name, want, got);
}

/* Decodes hex into the arena; an odd or broken string is a broken file. */
static bool chain_bytes(const json_t *v, struct ts_arena *arena,
                        struct ts_bytes *ret)
{
    struct ts_str hex;
    void *p;

    if (!vectors_text(v, "chain", &hex))
        return false;
    if (ts_arena_alloc(arena, hex.len / 2 + 1, &p) != TS_OK ||
        ts_hex_decode(hex.ptr, hex.len, p, hex.len / 2) != TS_OK) {
        cli_error("vector file: a chain is not hex");
        return false;
    }
    *ret = (struct ts_bytes){.ptr = p, .len = hex.len / 2};
    return true;
}

static bool hex_equals(const json_t *v, const uint8_t *p, size_t len)
{
    uint8_t want[64];

    return len <= sizeof(want) && json_is_string(v) &&
           ts_hex_decode(json_string_value(v), json_string_length(v), want,
                         len) == TS_OK &&
           memcmp(want, p, len) == 0;
}

/* The block ids and the chain hash that the file lists for one chain. */
static bool ids_agree(const json_t *ids, const struct delegation *d)
{
    const json_t *blocks = json_object_get(ids, "two_blocks_block_ids"), *v;
    size_t i;

    if (ids == NULL)
        return true;
    if (json_array_size(blocks) != d->block_count ||
        !hex_equals(json_object_get(ids, "chain_hash"), d->chain_hash,
                    sizeof(d->chain_hash)))
        return false;
    json_array_foreach(blocks, i, v)
    {
        if (!hex_equals(v, d->blocks[i].id, sizeof(d->blocks[i].id)))
            return false;
    }
    return true;
}

static bool run_chain(struct run *r, const json_t *v, struct ts_arena *arena)
{
    struct ts_str name, expect;
    struct ts_bytes chain;
    struct delegation d;
    enum trust_code c;
    bool ok;

    if (!vectors_text(v, "name", &name) ||
        !vectors_text(v, "expect", &expect) || !chain_bytes(v, arena, &chain))
        return false;
    c = delegation_decode_verify(&r->config.trust, chain.ptr, chain.len,
                                 r->config.now, arena, &d);
    ok = ts_str_eq_c(expect, trust_code_name(c));
    if (ok && c == TRUST_OK && ts_str_eq_c(name, IDS_OF) &&
        !ids_agree(json_object_get(r->top, "ids"), &d)) {
        count(r, false, name.ptr, "the listed ids", "others");
        return true;
    }
    count(r, ok, name.ptr, expect.ptr, trust_code_name(c));
    if (c == TRUST_OK)
        r->valid_bytes += chain.len;
    return true;
}

/* All truncations and bit flips of all chains that are accepted as they are. */
static bool run_flips(struct run *r)
{
    const struct trust_config *cfg = &r->config.trust;
    struct flips sum = {0};
    const json_t *v;
    size_t i;

    if (r->valid_bytes > FLIP_BYTES_MAX && !r->all_flips) {
        (void)printf("bit flips and truncations not tried: %zu bytes of valid "
                     "chains would take long (--flips)\n",
                     r->valid_bytes);
        return true;
    }
    json_array_foreach(json_object_get(r->top, "vectors"), i, v)
    {
        struct ts_arena arena;
        struct ts_bytes chain;
        struct delegation d;

        ts_arena_init(&arena, 1u << 20);
        if (chain_bytes(v, &arena, &chain) &&
            delegation_decode_verify(cfg, chain.ptr, chain.len, r->config.now,
                                     &arena, &d) == TRUST_OK)
            flips_try(cfg, chain, r->config.now, &sum);
        ts_arena_done(&arena);
    }
    (void)printf("%zu bit flips and truncations: %zu accepted\n", sum.tried,
                 sum.accepted);
    if (sum.failed > 0)
        cli_error("out of memory: %zu could not be judged", sum.failed);
    return sum.accepted == 0 && sum.failed == 0;
}

static bool run_chains(struct run *r)
{
    const json_t *list = json_object_get(r->top, "vectors"), *v;
    size_t i;

    if (!json_is_array(list)) {
        cli_error("vector file: \"vectors\" is missing or not an array");
        return false;
    }
    json_array_foreach(list, i, v)
    {
        struct ts_arena arena;
        bool ok;

        ts_arena_init(&arena, 1u << 20);
        ok = run_chain(r, v, &arena);
        ts_arena_done(&arena);
        if (!ok)
            return false;
    }
    return true;
}

static const json_t *find_vector(const json_t *top, struct ts_str name)
{
    const json_t *v;
    size_t i;

    json_array_foreach(json_object_get(top, "vectors"), i, v)
    {
        const json_t *n = json_object_get(v, "name");

        if (json_is_string(n) && ts_str_eq_c(name, json_string_value(n)))
            return v;
    }
    return NULL;
}

struct hs {
    struct handshake_transcript t;
    uint8_t holder[TRUST_PK_LEN];
    uint8_t proof[TRUST_SIG_LEN];
    uint8_t session[HANDSHAKE_SESSION_LEN];
    uint8_t server_proof[TRUST_SIG_LEN];
};

static bool load_handshake(const struct run *r, const json_t *h,
                           struct ts_arena *arena, struct hs *ret)
{
    const struct trust_config *cfg = &r->config.trust;
    struct handshake_transcript *t = &ret->t;
    struct ts_str name;
    struct ts_bytes chain;
    const json_t *v;
    uint64_t uid, gid;

    if (!vectors_text(h, "chain", &name) ||
        !vectors_hex(h, "challenge", t->challenge, sizeof(t->challenge)) ||
        !vectors_hex(h, "client_nonce", t->client_nonce,
                     sizeof(t->client_nonce)) ||
        !vectors_number(h, "uid", &uid) || !vectors_number(h, "gid", &gid) ||
        !vectors_hex(h, "holder_pk", ret->holder, sizeof(ret->holder)) ||
        !vectors_hex(h, "client_proof", ret->proof, sizeof(ret->proof)) ||
        !vectors_hex(h, "session_id", ret->session, sizeof(ret->session)) ||
        !vectors_hex(h, "server_proof", ret->server_proof,
                     sizeof(ret->server_proof)))
        return false;
    v = find_vector(r->top, name);
    if (v == NULL || uid > UINT32_MAX || gid > UINT32_MAX) {
        cli_error("vector file: \"handshake\" names no chain of the file");
        return false;
    }
    if (!chain_bytes(v, arena, &chain))
        return false;
    delegation_chain_hash(chain.ptr, chain.len, t->chain_hash);
    memcpy(t->sidecar_pk, r->config.sidecar_pk, TRUST_PK_LEN);
    t->sidecar_id = cfg->audiences[0]; /* unless the file names it */
    if (json_object_get(h, "sidecar_id") != NULL &&
        (!vectors_text(h, "sidecar_id", &t->sidecar_id) ||
         !trust_id_valid(t->sidecar_id)))
        return false;
    t->uid = (uint32_t)uid;
    t->gid = (uint32_t)gid;
    return true;
}

static const char *judge_handshake(const struct hs *h)
{
    struct handshake_transcript other = h->t;

    if (handshake_verify_client(&h->t, h->holder, h->proof) != TS_OK)
        return "client proof refused";
    if (handshake_verify_server(&h->t, h->proof, h->session, h->server_proof) !=
        TS_OK)
        return "session id or server proof refused";
    other.uid = h->t.uid + 1;
    if (handshake_verify_client(&other, h->holder, h->proof) == TS_OK)
        return "accepted for another uid";
    other = h->t;
    other.sidecar_id = TS_STR_LIT("sidecar/of-somebody-else");
    if (handshake_verify_client(&other, h->holder, h->proof) == TS_OK)
        return "accepted for another sidecar";
    other = h->t;
    memcpy(other.sidecar_pk, h->holder, TRUST_PK_LEN);
    if (handshake_verify_client(&other, h->holder, h->proof) == TS_OK ||
        handshake_verify_server(&other, h->proof, h->session,
                                h->server_proof) == TS_OK)
        return "accepted for another sidecar key";
    return NULL;
}

static bool run_handshake(struct run *r)
{
    const json_t *h = json_object_get(r->top, "handshake");
    struct ts_arena arena;
    struct hs hs;
    const char *wrong;
    bool ok;

    if (h == NULL) {
        (void)printf("no handshake in this file\n");
        return true;
    }
    ts_arena_init(&arena, 1u << 20);
    ok = load_handshake(r, h, &arena, &hs);
    if (ok) {
        wrong = judge_handshake(&hs);
        count(r, wrong == NULL, "handshake", "a proof that holds", wrong);
    }
    ts_arena_done(&arena);
    return ok;
}

static bool run_all(struct run *r)
{
    const json_t *approvals =
        json_object_get(json_object_get(r->top, "approvals"), "vectors");
    struct ts_arena arena;
    bool ok, intact;
    size_t chains;

    ts_arena_init(&arena, 1u << 22);
    ok = vectors_config_load(r->top, &arena, &r->config) && run_chains(r);
    chains = r->passed + r->failed;
    ok = ok && run_handshake(r);
    intact = ok && (r->failed > 0 || run_flips(r)); /* wrong already */
    vectors_config_done(&r->config);
    ts_arena_done(&arena);
    if (!ok)
        return false;
    (void)printf("%zu chains, %zu handshake\n", chains,
                 r->passed + r->failed - chains);
    if (json_array_size(approvals) > 0)
        (void)printf("%zu approval cases: tipstaff approvals vectors runs "
                     "them\n",
                     json_array_size(approvals));
    (void)printf("%zu passed, %zu failed\n", r->passed, r->failed);
    return r->failed == 0 && intact;
}

int delegation_vectors_run(int argc, char **argv)
{
    struct run r = {0};
    const struct cli_option options[] = {
        {"--flips", NULL,
         "flip and truncate also when that takes long (0.1 ms each)", CLI_FLAG,
         &r.all_flips, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff delegation vectors",
        .operands = "FILE",
        .about =
            "Runs a JSON file of test vectors: every chain must end in exactly "
            "the code that the file\nexpects, and the handshake must hold. "
            "Then every bit of every valid chain is flipped,\nand every "
            "shorter one tried: none may be accepted. A line for each failure, "
            "the counts last.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff delegation vectors delegation.json\n"
                    "  tipstaff delegation vectors --flips many.json\n",
    };
    json_t *top;
    char **operand;
    size_t n;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &n, &code))
        return code;
    top = cli_read_json(operand[0]);
    if (top == NULL)
        return CLI_FAILED;
    r.top = top;
    code = run_all(&r) ? CLI_OK : CLI_FAILED;
    json_decref(top);
    return code;
}
