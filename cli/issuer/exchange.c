/* tipstaff issuer exchange: an ID token becomes the first block. */
#include <jansson.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/delegation/block_policy.h"
#include "cli/delegation/root_options.h"
#include "cli/files.h"
#include "cli/issuer/claims.h"
#include "cli/issuer/issuer_cmds.h"
#include "cli/issuer/opening.h"
#include "cli/issuer/verifier.h"
#include "cli/opts.h"
#include "proto/token/jws.h"
#include "proto/trust/delegation_build.h"

#define ARENA_BYTES ((size_t)64 << 20)

struct exchange_opts {
    const char *config, *token, *opening, *issuer_key, *agent, *policy, *schema,
        *out, *verifier;
    uint64_t ttl_s, depth, max_calls;
    struct cli_list verifier_args;
};

struct exchange {
    const struct exchange_opts *o;
    struct ts_arena arena;
    struct idp_config *config;
    struct jws token;
    struct opening opening;
    const struct idp *idp;
    struct login login;
    char why[CLAIMS_WHY_MAX];
};

static bool no(const char *what, const char *why)
{
    cli_error("%s: %s", what, why);
    return false;
}

static struct ts_str as_text(struct ts_bytes b)
{
    return (struct ts_str){.ptr = (const char *)b.ptr, .len = b.len};
}

/* ---- configuration ----------------------------------------------------------
 */

/* A file that the configuration names is looked for beside it. */
static bool read_beside(struct exchange *x, struct ts_str name,
                        char path[PATH_MAX], struct ts_str *ret)
{
    const char *slash = strrchr(x->o->config, '/');
    int dir = slash != NULL && name.ptr[0] != '/'
                  ? (int)(slash - x->o->config) + 1
                  : 0;
    int n = snprintf(path, PATH_MAX, "%.*s%s", dir, x->o->config, name.ptr);
    struct ts_bytes b;

    if (n < 0 || n >= PATH_MAX)
        return no(x->o->config, "the name of a file is too long");
    if (!cli_read(path, IDP_BYTES_MAX, &x->arena, &b))
        return false;
    *ret = as_text(b);
    return true;
}

static bool read_files_of(struct exchange *x, struct idp *idp)
{
    char path[PATH_MAX];
    struct ts_str text;

    if (idp->users_file.len > 0 &&
        (!read_beside(x, idp->users_file, path, &text) ||
         idp_users_read(ts_str_of(path), text, &x->arena, idp, x->why,
                        sizeof(x->why)) != TS_OK))
        return x->why[0] != '\0' ? no("users", x->why) : false;
    if (idp->jwks_file.len > 0 &&
        (!read_beside(x, idp->jwks_file, path, &text) ||
         idp_jwks_read(ts_str_of(path), text, &x->arena, idp, x->why,
                       sizeof(x->why)) != TS_OK))
        return x->why[0] != '\0' ? no("jwks", x->why) : false;
    return true;
}

static bool read_config(struct exchange *x)
{
    struct ts_bytes text;
    void *p;

    if (ts_arena_alloc(&x->arena, sizeof(*x->config), &p) != TS_OK)
        return no(x->o->config, "out of memory");
    x->config = p;
    if (!cli_read(x->o->config, IDP_BYTES_MAX, &x->arena, &text))
        return false;
    if (idp_config_read(ts_str_of(x->o->config), as_text(text), &x->arena,
                        x->config, x->why, sizeof(x->why)) == TS_OK)
        return true;
    cli_error("%s", x->why[0] != '\0' ? x->why : "out of memory");
    return false;
}

/* ---- the token
 * ---------------------------------------------------------------- */

static bool read_token(struct exchange *x)
{
    struct ts_bytes b;
    struct ts_str s;
    ts_err e;

    if (!cli_read(x->o->token, JWS_MAX + 2, &x->arena, &b))
        return false;
    s = as_text(b);
    while (s.len > 0 && (s.ptr[s.len - 1] == '\n' || s.ptr[s.len - 1] == '\r'))
        s.len--;
    e = jws_split(s, &x->arena, &x->token);
    if (e == TS_E_UNSUPPORTED)
        return no("the ID token", "is encrypted; ask the identity provider "
                                  "for a signed one");
    if (e == TS_E_LIMIT)
        return no("the ID token", "is too long");
    return e == TS_OK ? true
                      : no("the ID token", "is not a compact JWS: three parts "
                                           "of base64url joined by dots");
}

static json_t *parse(struct ts_str text)
{
    return json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, NULL);
}

/* Whose keys to hold the token to: what it says itself, to be checked again
 * once it is verified. */
static bool find_issuer(struct exchange *x)
{
    json_t *payload = parse(x->token.payload);
    struct ts_str iss = {0};
    char shown[160];
    bool ok = claims_issuer(payload, &iss, x->why);

    if (ok) {
        x->idp = idp_find(x->config, iss);
        (void)ts_str_escape(shown, sizeof(shown), iss.ptr, iss.len);
        (void)snprintf(x->why, sizeof(x->why),
                       "claim iss: \"%s\" is not a configured issuer", shown);
    }
    json_decref(payload);
    return ok && x->idp != NULL ? true : no("the ID token", x->why);
}

/* The verified claims, as JSON text. */
static bool verify(struct exchange *x, struct ts_str kid, struct ts_str *ret)
{
    const char *argv[CLI_LIST_MAX + 2] = {x->o->verifier};
    const struct idp_key *key = idp_key_find(x->idp, kid);

    if (!idp_alg_is_external(x->idp->alg)) {
        if (x->o->verifier != NULL)
            return no("--verifier", "this issuer is configured with EdDSA, "
                                    "which is verified here");
        if (key == NULL || jws_verify(&x->token, key->pk) != TS_OK)
            return no("the ID token", "the signature does not hold");
        *ret = x->token.payload;
        return true;
    }
    if (x->o->verifier != NULL) {
        memcpy(&argv[1], x->o->verifier_args.items,
               x->o->verifier_args.count * sizeof(argv[0]));
        return verifier_run(argv, x->idp, x->token.token, &x->arena, ret);
    }
    if (x->idp->verifier == NULL)
        return no("--verifier", "is missing: this issuer signs with an "
                                "algorithm that is verified by an external "
                                "program");
    return verifier_run(x->idp->verifier, x->idp, x->token.token, &x->arena,
                        ret);
}

static bool check_header(struct exchange *x, json_t *header,
                         struct ts_str *ret_kid)
{
    if (claims_check_header(header, x->idp, ret_kid, x->why) == TS_OK)
        return true;
    return no("the ID token", x->why);
}

static bool check_claims(struct exchange *x, struct ts_str text)
{
    char nonce[OPENING_NONCE_LEN + 1];
    json_t *claims = parse(text);
    ts_err e;

    opening_nonce(&x->opening, nonce);
    e = claims_check(claims, x->idp, ts_str_of(nonce), (uint64_t)time(NULL),
                     &x->arena, &x->login, x->why);
    json_decref(claims);
    return e == TS_OK ? true : no("the ID token", x->why);
}

static bool accept(struct exchange *x)
{
    json_t *header = parse(x->token.header);
    struct ts_str kid = {0}, claims = {0};
    bool ok = check_header(x, header, &kid) && verify(x, kid, &claims) &&
              check_claims(x, claims);

    json_decref(header);
    return ok;
}

/* ---- the root block
 * ------------------------------------------------------------ */

static bool fill(struct exchange *x, struct delegation_root *r)
{
    const struct exchange_opts *o = x->o;
    uint64_t ttl = o->ttl_s, now = (uint64_t)time(NULL);

    if (ttl > x->idp->max_ttl_s) {
        ttl = x->idp->max_ttl_s;
        (void)fprintf(stderr,
                      "tipstaff: --ttl: shortened to %llu s, the most for "
                      "this issuer\n",
                      (unsigned long long)ttl);
    }
    if (!cli_block_policy(o->policy, o->schema, &x->arena, &r->policies))
        return false;
    randombytes_buf(r->grant_id, sizeof(r->grant_id));
    memcpy(r->holder, x->opening.holder, sizeof(r->holder));
    r->tenant = x->idp->tenant;
    r->issuer = x->idp->name;
    r->user = x->login.user;
    r->agent = ts_str_of(o->agent);
    r->aud = ts_str_of(x->opening.aud);
    r->task = ts_str_of(x->opening.task);
    r->iat = now;
    r->nbf = now;
    r->exp = now + ttl;
    r->depth = (uint32_t)o->depth;
    r->max_calls = o->max_calls;
    r->attrs = x->login.attrs;
    r->attr_count = x->login.attr_count;
    return true;
}

static bool sign(struct exchange *x, const struct delegation_root *r)
{
    struct trust_secret key = {0};
    uint8_t pk[TRUST_PK_LEN];
    char grant[2 * sizeof(r->grant_id) + 1];
    enum trust_code c;
    size_t len;
    void *out;

    if (ts_arena_alloc(&x->arena, TS_CHAIN_MAX, &out) != TS_OK)
        return no(x->o->out, "out of memory");
    if (!cli_secret_key(x->o->issuer_key, &key))
        return false;
    c = delegation_sign_root(r, &key, out, TS_CHAIN_MAX, &len);
    memcpy(pk, key.pk, sizeof(pk));
    trust_secret_done(&key);
    if (c != TRUST_OK)
        return no(trust_code_name(c), trust_code_text(c));
    if (!cli_write_new(x->o->out, 0600, out, len) ||
        !cli_issuer_note_write(x->o->out, pk))
        return false;
    ts_hex_encode(grant, r->grant_id, sizeof(r->grant_id));
    (void)printf("user    %.*s\ngrant   %s\nfile    %s (%zu bytes)\n",
                 (int)r->user.len, r->user.ptr, grant, x->o->out, len);
    return true;
}

static bool read_opening(struct exchange *x)
{
    struct ts_bytes b;

    if (!cli_read(x->o->opening, OPENING_MAX, &x->arena, &b))
        return false;
    if (opening_read(as_text(b), &x->opening) == TS_OK)
        return true;
    return no(x->o->opening,
              "is not the opening of a login; tipstaff issuer nonce -o makes "
              "one");
}

static bool options_ok(const struct exchange_opts *o)
{
    if (!root_options_ok(o->depth, o->ttl_s))
        return false;
    if (o->verifier == NULL && o->verifier_args.count > 0)
        return no("--verifier-arg", "needs --verifier");
    if (o->verifier != NULL && o->verifier[0] != '/')
        return no("--verifier", "give the absolute path of a program");
    return true;
}

static int run(const struct exchange_opts *o)
{
    struct exchange x = {.o = o};
    struct delegation_root root = {0};
    bool ok;

    if (!options_ok(o))
        return CLI_USAGE;
    ts_arena_init(&x.arena, ARENA_BYTES);
    ok = read_config(&x) && read_opening(&x) && read_token(&x) &&
         find_issuer(&x);
    x.why[0] = '\0';
    if (ok) /* the one that is asked; the others' files are not needed */
        ok = read_files_of(&x, &x.config->list[x.idp - x.config->list]);
    ok = ok && accept(&x) && fill(&x, &root) && sign(&x, &root);
    ts_arena_done(&x.arena);
    return ok ? CLI_OK : CLI_FAILED;
}

int issuer_exchange_run(int argc, char **argv)
{
    struct exchange_opts o = {.depth = 1};
    const struct cli_option options[] = {
        {"--config", "FILE", "the identity providers, tipstaff-issuer(1)",
         CLI_TEXT, &o.config, true},
        {"--id-token", "FILE", "the ID token, - for standard input", CLI_TEXT,
         &o.token, true},
        {"--opening", "FILE", "what tipstaff issuer nonce wrote", CLI_TEXT,
         &o.opening, true},
        {"--issuer-key", "FILE", "NAME.seed that signs the block", CLI_TEXT,
         &o.issuer_key, true},
        {"--agent", "ID", "registered agent that may act", CLI_TEXT, &o.agent,
         true},
        {"--policy", "FILE", "Cedar text of the block", CLI_TEXT, &o.policy,
         true},
        {"--ttl", "TIME", "lifetime: 90s, 15m, 1h; cut to the issuer's most",
         CLI_SECONDS, &o.ttl_s, true},
        {"-o", "FILE",
         "where the chain goes (new file, mode 0600; FILE.issuer beside it)",
         CLI_TEXT, &o.out, true},
        {"--schema", "FILE", "the tenant's schema: validate the policy first",
         CLI_TEXT, &o.schema, false},
        {"--depth", "N", "links allowed below (1)", CLI_NUMBER, &o.depth,
         false},
        {"--max-calls", "N", "calls allowed (0: any number)", CLI_NUMBER,
         &o.max_calls, false},
        {"--verifier", "CMD", "program that verifies RS256 or ES256", CLI_TEXT,
         &o.verifier, false},
        {"--verifier-arg", "ARG", "its argument; may be repeated", CLI_LIST,
         &o.verifier_args, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff issuer exchange",
        .operands = "",
        .about = "Verifies an ID token of your identity provider and signs "
                 "the first block of a delegation\nfor the user it names. "
                 "Key, task and sidecar come from the opening; the user from "
                 "iss and\nsub through the configured map, never from an "
                 "address.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples =
            "  tipstaff issuer exchange --config idp.yaml --id-token - \\\n"
            "      --opening login.opening --issuer-key issuer.seed \\\n"
            "      --agent coder --policy task.cedar --ttl 15m -o c.chain\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return run(&o);
}
