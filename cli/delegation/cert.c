/* tipstaff delegation cert: an issuer or the directory vouches for an agent's
 * key that the directory does not list. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/delegation/delegation_cmds.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "proto/trust/agent_cert.h"
#include "proto/trust/id.h"

#define TTL_DEFAULT_S 3600

struct cert_opts {
    const char *key, *tenant, *agent, *holder, *out;
    uint64_t ttl_s;
};

static bool check_id(const char *option, const char *id)
{
    if (trust_id_valid(ts_str_of(id)))
        return true;
    cli_error("%s: 1 to %d of [A-Za-z0-9._@:+=-], segments joined by /", option,
              TS_ID_MAX);
    return false;
}

static bool make(const struct cert_opts *o, const struct agent_cert *c,
                 struct ts_buf *out)
{
    struct trust_secret key = {0};
    ts_err e;

    if (!cli_secret_key(o->key, &key))
        return false;
    e = agent_cert_make(c, &key, out);
    trust_secret_done(&key);
    if (e == TS_OK)
        return true;
    if (e == TS_E_LIMIT)
        cli_error("the certificate would take more than %u bytes; use shorter "
                  "names",
                  SIGNED_AGENT_CERT_MAX);
    else
        cli_error("the certificate cannot be made: %s", ts_err_text(e));
    return false;
}

static int run(const struct cert_opts *o)
{
    struct agent_cert c = {.tenant = ts_str_of(o->tenant),
                           .agent = ts_str_of(o->agent),
                           .nbf = (uint64_t)time(NULL)};
    struct ts_buf out;
    bool ok;

    if (!check_id("--tenant", o->tenant) || !check_id("--agent", o->agent) ||
        !cli_public_key("--holder", o->holder, c.pk))
        return CLI_FAILED;
    if (o->ttl_s == 0 || o->ttl_s > UINT64_MAX - c.nbf) {
        cli_error("--ttl: from one second to what a clock can count");
        return CLI_FAILED;
    }
    c.exp = c.nbf + o->ttl_s;
    ts_buf_init(&out, (size_t)2 * SIGNED_AGENT_CERT_MAX);
    ok = make(o, &c, &out) &&
         cli_write_new(o->out, 0644, ts_buf_bytes(&out), out.len);
    if (ok)
        (void)printf("file    %s (%zu bytes)\n", o->out, out.len);
    ts_buf_done(&out);
    return ok ? CLI_OK : CLI_FAILED;
}

int delegation_cert_run(int argc, char **argv)
{
    struct cert_opts o = {.ttl_s = TTL_DEFAULT_S};
    const struct cli_option options[] = {
        {"--key", "FILE", "NAME.seed of an issuer or directory key", CLI_TEXT,
         &o.key, true},
        {"--tenant", "ID", "the tenant of that key", CLI_TEXT, &o.tenant, true},
        {"--agent", "ID", "the agent: one of the directory, or below one of it",
         CLI_TEXT, &o.agent, true},
        {"--holder", "KEY", "its public key: 64 hex digits or NAME.pub",
         CLI_TEXT, &o.holder, true},
        {"-o", "FILE", "where the certificate goes (new file)", CLI_TEXT,
         &o.out, true},
        {"--ttl", "TIME", "lifetime (1h)", CLI_SECONDS, &o.ttl_s, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff delegation cert",
        .operands = "",
        .about =
            "Vouches for the key of an agent, so that a delegation can be "
            "handed on to it (tipstaff\nattenuate --cert) though the directory "
            "does not list that key. The agent, or the nearest\none above it "
            "in the directory, must be active all the same.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples =
            "  tipstaff delegation cert --key directory.seed --tenant acme \\\n"
            "      --agent builder --holder pod-7.pub --ttl 15m -o pod-7.cert\n"
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
