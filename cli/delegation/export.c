/* tipstaff delegation export: a chain, told to those who know OAuth. */
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/delegation/delegation_cmds.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "proto/token/on_behalf.h"

#define CLAIMS_CAP ((size_t)32 << 10) /* every byte escaped */
#define NOTE                                                                   \
    "a description, not signed: nobody may take it for authority, and no "     \
    "part of Tipstaff reads it"

static void write_claims(struct ts_json *w, const struct delegation *d)
{
    char jti[2 * sizeof(d->grant_id) + 1];

    ts_hex_encode(jti, d->grant_id, sizeof(d->grant_id));
    ts_json_member_text(w, "{\"iss\":", d->issuer);
    ts_json_cstr(w, ",");
    on_behalf_write(w, d);
    ts_json_member_text(w, ",\"aud\":", d->aud);
    ts_json_member_uint(w, ",\"iat\":", d->blocks[0].iat);
    ts_json_member_uint(w, ",\"nbf\":", d->not_before);
    ts_json_member_uint(w, ",\"exp\":", d->expires);
    ts_json_member_text(w, ",\"jti\":", ts_str_of(jti));
    for (size_t i = 0; i < d->attr_count; i++) {
        ts_json_cstr(w, i == 0 ? ",\"attrs\":{" : ",");
        ts_json_member_text(w, "", d->attrs[i].key);
        ts_json_member_text(w, ":", d->attrs[i].value);
    }
    ts_json_cstr(w, d->attr_count > 0 ? "}" : "");
    ts_json_member_text(w, ",\"note\":", ts_str_of(NOTE));
    ts_json_cstr(w, "}\n");
}

static bool export_chain(const char *path, const char *issuer_pub, bool json,
                         struct ts_arena *arena)
{
    uint8_t pk[TRUST_PK_LEN];
    struct ts_json w;
    struct ts_bytes chain;
    struct delegation d;
    enum trust_code c;
    void *text;

    if (!cli_read(path, TS_CHAIN_MAX, arena, &chain) ||
        (issuer_pub != NULL && !cli_public_key("--issuer-pub", issuer_pub, pk)))
        return false;
    c = delegation_decode_to_show(chain.ptr, chain.len,
                                  issuer_pub != NULL ? pk : NULL, arena, &d);
    if (c != TRUST_OK) {
        cli_error("%s: %s: %s", path, trust_code_name(c), trust_code_text(c));
        return false;
    }
    if (ts_arena_alloc(arena, CLAIMS_CAP, &text) != TS_OK) {
        cli_error("%s: out of memory", path);
        return false;
    }
    w = (struct ts_json){.buf = text, .cap = CLAIMS_CAP};
    write_claims(&w, &d);
    if (w.full) {
        cli_error("%s: too much to describe", path);
        return false;
    }
    if (!json) {
        (void)printf("# %s.\n", NOTE);
        (void)printf("# Signatures %s.\n",
                     issuer_pub != NULL ? "verified from the issuer's key down"
                                        : "not checked; give --issuer-pub");
    }
    return fwrite(w.buf, 1, w.len, stdout) == w.len;
}

int delegation_export_run(int argc, char **argv)
{
    const char *issuer_pub = NULL;
    bool json = false, ok;
    const struct cli_option options[] = {
        {"--issuer-pub", "KEY", "check signatures from this issuer key down",
         CLI_TEXT, &issuer_pub, false},
        {"--json", NULL, "the JSON object alone", CLI_FLAG, &json, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff delegation export",
        .operands = "FILE",
        .about =
            "Describes a delegation as the claims of RFC 8693: sub is the "
            "user, act the agent that acts\nnow, with the earlier agents "
            "inside, may_act is there while it may hand on. For whoever\n"
            "keeps records in that shape. It is not signed and never imported "
            "as authority: a\nservice that must judge a request gets an "
            "identity token (docs/IDENTITY.md).",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff delegation export coder.chain\n"
                    "  tipstaff delegation export --json --issuer-pub "
                    "issuer.pub coder.chain | jq .act\n",
    };
    struct ts_arena arena;
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    ts_arena_init(&arena, (size_t)8 * TS_CHAIN_MAX);
    ok = export_chain(operand[0], issuer_pub, json, &arena);
    ts_arena_done(&arena);
    return ok ? CLI_OK : CLI_FAILED;
}
