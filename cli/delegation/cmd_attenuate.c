/* tipstaff attenuate: the holder of a delegation hands it on, narrowed. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/delegation/block_policy.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "proto/trust/delegation_build.h"

#define DEPTH_UNSET UINT64_MAX

struct attenuate_opts {
    const char *chain, *key, *issuer_pub, *agent, *holder, *policy, *schema,
        *out, *cert;
    uint64_t ttl_s, depth;
};

/* Time and depth, never wider than what is handed on. */
static bool set_limits(const struct attenuate_opts *o,
                       const struct delegation *d, struct delegation_link *l)
{
    const struct delegation_block *leaf = delegation_leaf(d);
    uint64_t now = (uint64_t)time(NULL);

    if (leaf->depth == 0) {
        cli_error("%s allows no further links (depth 0); ask for one issued "
                  "with --depth",
                  o->chain);
        return false;
    }
    if (now >= d->expires) {
        cli_error("%s has expired; nothing can be handed on", o->chain);
        return false;
    }
    l->iat = now;
    l->nbf = now;
    l->exp = d->expires;
    if (o->ttl_s > 0 && o->ttl_s < d->expires - now)
        l->exp = now + o->ttl_s;
    l->depth = o->depth == DEPTH_UNSET ? 0 : (uint32_t)o->depth;
    if (o->depth != DEPTH_UNSET && o->depth >= leaf->depth) {
        cli_error("--depth: must be less than the delegator's, which is %u",
                  (unsigned)leaf->depth);
        return false;
    }
    return true;
}

static const char *why(enum trust_code c)
{
    switch ((int)c) {
    case TRUST_E_KEY:
        return "--key must be the secret of the chain's last holder, and "
               "--holder a key that is not in the chain yet";
    case TRUST_E_ISSUER:
        return "the issuer's key (--issuer-pub or CHAIN.issuer) is not the one "
               "that signed this chain's root";
    case TRUST_E_AGENT:
        return "--cert is not a certificate for this tenant, --agent and "
               "--holder; make one with tipstaff delegation cert";
    case TRUST_E_ID:
        return "--agent is 1 to 128 of [A-Za-z0-9._@:+=-], segments joined "
               "by /";
    default:
        return trust_code_text(c);
    }
}

static bool append(const struct attenuate_opts *o, struct ts_bytes chain,
                   const struct delegation_link *link, struct ts_arena *arena)
{
    struct trust_secret key = {0};
    uint8_t issuer_pk[TRUST_PK_LEN];
    void *out;
    size_t len;
    enum trust_code c;

    if (ts_arena_alloc(arena, TS_CHAIN_MAX, &out) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    if (!(o->issuer_pub != NULL
              ? cli_public_key("--issuer-pub", o->issuer_pub, issuer_pk)
              : cli_issuer_note_read(o->chain, issuer_pk)) ||
        !cli_secret_key(o->key, &key))
        return false;
    c = delegation_append_link(chain.ptr, chain.len, link, issuer_pk, &key, out,
                               TS_CHAIN_MAX, &len);
    trust_secret_done(&key);
    if (c != TRUST_OK) {
        cli_error("%s: %s", trust_code_name(c), why(c));
        return false;
    }
    if (!cli_write_new(o->out, 0600, out, len) ||
        !cli_issuer_note_write(o->out, issuer_pk))
        return false;
    (void)printf("file    %s (%zu bytes)\n", o->out, len);
    return true;
}

static bool build(const struct attenuate_opts *o, struct ts_arena *arena)
{
    struct delegation_link link = {0};
    struct ts_bytes chain;
    struct delegation d;
    enum trust_code c;

    if (!cli_read(o->chain, TS_CHAIN_MAX, arena, &chain) ||
        !cli_block_policy(o->policy, o->schema, arena, &link.policies) ||
        !cli_public_key("--holder", o->holder, link.holder) ||
        (o->cert != NULL && !cli_read(o->cert, TS_CERT_MAX, arena, &link.cert)))
        return false;
    if (o->cert != NULL && link.cert.len == 0) {
        cli_error("%s is empty; make a certificate with tipstaff delegation "
                  "cert",
                  o->cert);
        return false;
    }
    c = delegation_decode_to_show(chain.ptr, chain.len, NULL, arena, &d);
    if (c != TRUST_OK) {
        cli_error("%s: %s: %s", o->chain, trust_code_name(c),
                  trust_code_text(c));
        return false;
    }
    if (!set_limits(o, &d, &link))
        return false;
    randombytes_buf(link.nonce, sizeof(link.nonce));
    link.agent = ts_str_of(o->agent);
    return append(o, chain, &link, arena);
}

static int run(const struct attenuate_opts *o)
{
    struct ts_arena arena;
    bool ok;

    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    ts_arena_init(&arena, (size_t)8 * TS_CHAIN_MAX);
    ok = build(o, &arena);
    ts_arena_done(&arena);
    return ok ? CLI_OK : CLI_FAILED;
}

int cmd_attenuate(int argc, char **argv)
{
    struct attenuate_opts o = {.depth = DEPTH_UNSET};
    const struct cli_option options[] = {
        {"--chain", "FILE", "the delegation to hand on", CLI_TEXT, &o.chain,
         true},
        {"--key", "FILE", "NAME.seed of its last holder", CLI_TEXT, &o.key,
         true},
        {"--agent", "ID",
         "the sub-agent: below the delegator's name, a registered "
         "agent with its key, or one that --cert is for",
         CLI_TEXT, &o.agent, true},
        {"--holder", "KEY", "its public key: 64 hex digits or NAME.pub",
         CLI_TEXT, &o.holder, true},
        {"--policy", "FILE", "Cedar text of the block, - for standard input",
         CLI_TEXT, &o.policy, true},
        {"--schema", "FILE", "the tenant's schema: validate the policy first",
         CLI_TEXT, &o.schema, false},
        {"-o", "FILE", "where the longer chain goes (new file, mode 0600)",
         CLI_TEXT, &o.out, true},
        {"--issuer-pub", "KEY",
         "public key that signed the root (as CHAIN.issuer notes)", CLI_TEXT,
         &o.issuer_pub, false},
        {"--cert", "FILE",
         "of --agent and --holder, from tipstaff delegation cert", CLI_TEXT,
         &o.cert, false},
        {"--ttl", "TIME", "lifetime, at most the chain's own (that)",
         CLI_SECONDS, &o.ttl_s, false},
        {"--depth", "N", "links allowed below (0)", CLI_NUMBER, &o.depth,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff attenuate",
        .operands = "",
        .about = "Appends a link to a delegation. Whatever the new policy "
                 "says, the result never allows\nmore than the chain did: all "
                 "blocks must permit a call.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples =
            "  tipstaff attenuate --chain coder.chain --key coder.seed \\\n"
            "      --agent coder/tester --holder tester.pub --ttl 5m \\\n"
            "      --policy read-only.cedar -o tester.chain\n"
            "  tipstaff attenuate --chain coder.chain --key coder.seed \\\n"
            "      --agent builder --holder pod-7.pub --cert pod-7.cert \\\n"
            "      --policy read-only.cedar -o pod-7.chain\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return run(&o);
}
