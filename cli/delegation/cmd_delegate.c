/* tipstaff delegate: an issuer signs the root block of a delegation. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/delegation/block_capabilities.h"
#include "cli/delegation/block_policy.h"
#include "cli/delegation/origin_file.h"
#include "cli/delegation/root_options.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "proto/base/ts_num.h"
#include "proto/trust/delegation_build.h"

struct delegate_opts {
    const char *issuer_key, *tenant, *issuer, *user, *agent, *holder, *aud;
    const char *task, *policy, *capabilities, *config, *schema, *out, *prompt;
    uint64_t ttl_s, depth, max_calls;
    struct cli_list attrs;
};

static int cmp_attr(const void *a, const void *b)
{
    const struct delegation_attr *x = a, *y = b;

    return ts_str_cmp(x->key, y->key);
}

static bool parse_attrs(const struct cli_list *list,
                        struct delegation_attr attrs[TS_ATTRS_MAX])
{
    if (list->count > TS_ATTRS_MAX) {
        cli_error("--attr: at most %d are allowed", TS_ATTRS_MAX);
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *s = list->items[i], *eq = strchr(s, '=');

        if (eq == NULL || eq == s) {
            cli_error("--attr %s: give it as KEY=VALUE", s);
            return false;
        }
        attrs[i].key = (struct ts_str){.ptr = s, .len = (size_t)(eq - s)};
        attrs[i].value = ts_str_of(eq + 1);
        if (attrs[i].key.len > TS_ATTR_KEY_MAX ||
            attrs[i].value.len > TS_ATTR_VALUE_MAX) {
            cli_error("--attr %s: at most %d bytes of key and %d of value", s,
                      TS_ATTR_KEY_MAX, TS_ATTR_VALUE_MAX);
            return false;
        }
    }
    qsort(attrs, list->count, sizeof(*attrs), cmp_attr);
    for (size_t i = 1; i < list->count; i++) {
        if (ts_str_eq(attrs[i - 1].key, attrs[i].key)) {
            cli_error("--attr %.*s is given twice", (int)attrs[i].key.len,
                      attrs[i].key.ptr);
            return false;
        }
    }
    return true;
}

/* What is wrong without a look at any file. */
static bool options_ok(const struct delegate_opts *o,
                       struct delegation_attr attrs[TS_ATTRS_MAX])
{
    if (!root_options_ok(o->depth, o->ttl_s))
        return false;
    if ((o->policy != NULL) == (o->capabilities != NULL)) {
        cli_error("--policy or --capabilities: exactly one of them");
        return false;
    }
    return parse_attrs(&o->attrs, attrs);
}

static bool set_times(uint64_t ttl_s, struct delegation_root *r)
{
    time_t now = time(NULL);

    r->iat = (uint64_t)now;
    r->nbf = r->iat;
    r->exp = r->iat + ttl_s;
    return now > 0;
}

static bool what_it_may(const struct delegate_opts *o, struct ts_arena *arena,
                        struct ts_str *ret)
{
    return o->policy != NULL
               ? cli_block_policy(o->policy, o->schema, arena, ret)
               : cli_block_capabilities(o->capabilities, o->config, arena, ret);
}

static bool fill(const struct delegate_opts *o, struct ts_arena *arena,
                 const struct delegation_attr *attrs, struct delegation_root *r)
{
    if (!set_times(o->ttl_s, r) ||
        !cli_public_key("--holder", o->holder, r->holder) ||
        !what_it_may(o, arena, &r->policies))
        return false;
    randombytes_buf(r->grant_id, sizeof(r->grant_id));
    r->tenant = ts_str_of(o->tenant);
    r->issuer = ts_str_of(o->issuer);
    r->user = ts_str_of(o->user);
    r->agent = ts_str_of(o->agent);
    r->aud = ts_str_of(o->aud);
    r->task = ts_str_of(o->task);
    r->depth = (uint32_t)o->depth;
    r->max_calls = o->max_calls;
    r->attrs = attrs;
    r->attr_count = o->attrs.count;
    return true;
}

static bool sign_and_write(const struct delegate_opts *o,
                           const struct delegation_root *r,
                           struct ts_arena *arena)
{
    struct trust_secret issuer = {0};
    uint8_t issuer_pk[TRUST_PK_LEN];
    char grant[2 * sizeof(r->grant_id) + 1];
    size_t len;
    void *out;
    enum trust_code c;

    if (ts_arena_alloc(arena, TS_CHAIN_MAX, &out) != TS_OK) {
        cli_error("out of memory");
        return false;
    }
    if (!cli_secret_key(o->issuer_key, &issuer))
        return false;
    c = delegation_sign_root(r, &issuer, out, TS_CHAIN_MAX, &len);
    memcpy(issuer_pk, issuer.pk, sizeof(issuer_pk));
    trust_secret_done(&issuer);
    if (c != TRUST_OK) {
        cli_error("%s: %s", trust_code_name(c),
                  c == TRUST_E_ID
                      ? "tenant, issuer, user, agent, audience and task are "
                        "1 to 128 of [A-Za-z0-9._@:+=-], segments joined by /"
                      : trust_code_text(c));
        return false;
    }
    if (!cli_write_new(o->out, 0600, out, len) ||
        !cli_issuer_note_write(o->out, issuer_pk))
        return false;
    ts_hex_encode(grant, r->grant_id, sizeof(r->grant_id));
    (void)printf("grant   %s\nfile    %s (%zu bytes)\n", grant, o->out, len);
    return true;
}

/* The chain, and the user's own words beside it, where the shim finds them.
 * Those are read and signed first: without them there is to be no chain. */
static bool write_both(const struct delegate_opts *o,
                       const struct delegation_root *r, struct ts_arena *arena)
{
    struct origin origin = {
        .tenant = r->tenant, .kind = ORIGIN_USER, .iat = r->iat, .exp = r->exp};
    struct ts_buf bytes;
    bool ok;

    if (o->prompt == NULL)
        return sign_and_write(o, r, arena);
    memcpy(origin.grant_id, r->grant_id, sizeof(origin.grant_id));
    ts_buf_init(&bytes, SIGNED_ORIGIN_MAX);
    ok = cli_origin_make(o->issuer_key, o->prompt, arena, &origin, &bytes) &&
         sign_and_write(o, r, arena) &&
         cli_origin_write(&origin, &bytes, o->out, true);
    ts_buf_done(&bytes);
    return ok;
}

static int run(const struct delegate_opts *o)
{
    struct delegation_attr attrs[TS_ATTRS_MAX];
    struct delegation_root root = {0};
    struct ts_arena arena;
    bool ok;

    if (!options_ok(o, attrs))
        return CLI_USAGE;
    if (trust_init() != TS_OK) {
        cli_error("this libsodium accepts known bad keys; install a fixed one");
        return CLI_FAILED;
    }
    ts_arena_init(&arena, (size_t)16 << 20);
    ok = fill(o, &arena, attrs, &root) && write_both(o, &root, &arena);
    ts_arena_done(&arena);
    return ok ? CLI_OK : CLI_FAILED;
}

static const char examples[] =
    "  tipstaff delegate --issuer-key issuer.seed --tenant acme \\\n"
    "      --issuer acme-issuer --user alice --agent coder \\\n"
    "      --holder coder.pub --aud sidecar/local --task task-1 \\\n"
    "      --ttl 15m --policy task.cedar -o coder.chain\n";

int cmd_delegate(int argc, char **argv)
{
    struct delegate_opts o = {
        .ttl_s = TS_TTL_DEFAULT_S, .depth = 1, .config = "/etc/tipstaff"};
    const struct cli_option options[] = {
        {"--issuer-key", "FILE", "the issuer's NAME.seed", CLI_TEXT,
         &o.issuer_key, true},
        {"--tenant", "ID", "tenant", CLI_TEXT, &o.tenant, true},
        {"--issuer", "ID", "the issuer's name in the trust store", CLI_TEXT,
         &o.issuer, true},
        {"--user", "ID", "on whose behalf", CLI_TEXT, &o.user, true},
        {"--agent", "ID", "registered agent that may act", CLI_TEXT, &o.agent,
         true},
        {"--holder", "KEY", "its public key: 64 hex digits or NAME.pub",
         CLI_TEXT, &o.holder, true},
        {"--aud", "ID", "the sidecar that may accept it", CLI_TEXT, &o.aud,
         true},
        {"--task", "ID", "what it is for", CLI_TEXT, &o.task, true},
        {"--policy", "FILE", "Cedar text of the block, - for standard input",
         CLI_TEXT, &o.policy, false},
        {"--capabilities", "FILE",
         "instead: verbs and pinned arguments as JSON, no Cedar", CLI_TEXT,
         &o.capabilities, false},
        {"--config", "DIR", "whose tools/ they are about (/etc/tipstaff)",
         CLI_TEXT, &o.config, false},
        {"--schema", "FILE", "the tenant's schema: validate the policy first",
         CLI_TEXT, &o.schema, false},
        {"-o", "FILE",
         "where the chain goes (new file, mode 0600; FILE.issuer beside it)",
         CLI_TEXT, &o.out, true},
        {"--ttl", "TIME", "lifetime, such as 90s or 15m (1h)", CLI_SECONDS,
         &o.ttl_s, false},
        {"--depth", "N", "links allowed below (1)", CLI_NUMBER, &o.depth,
         false},
        {"--max-calls", "N", "calls allowed (0: any number)", CLI_NUMBER,
         &o.max_calls, false},
        {"--prompt", "FILE",
         "what the user asked for: signed into FILE.origin beside the chain",
         CLI_TEXT, &o.prompt, false},
        {"--attr", "K=V", "attribute for policies; may be repeated", CLI_LIST,
         &o.attrs, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff delegate",
        .operands = "",
        .about = "Signs the first block of a delegation: this user lets this "
                 "agent, holding this key,\ndo what the policy permits, for "
                 "one task at one sidecar.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = examples,
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return run(&o);
}
