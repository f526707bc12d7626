/* tipstaff break-glass end: by a revoker, or by one of those who signed it. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/admin_socket.h"
#include "cli/approval/agent_talk.h"
#include "cli/breakglass/breakglass.h"
#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "cli/service/revoke_record.h"
#include "cli/service/revoke_send.h"
#include "proto/trust/id.h"
#include "proto/trust/revocation_person.h"
#include "proto/trust/sshsig.h"

#define TITLE_MAX 256

struct end {
    const char *tenant, *key, *ssh_key, *reason, *out, *socket;
    bool ssh_agent;
    uint64_t wait_s;
};

static bool join(struct ts_bytes body, const struct ts_buf *blob,
                 struct ts_buf *out)
{
    const struct ts_bytes b = {ts_buf_bytes(blob), blob->len};
    uint8_t kid[TRUST_KID_LEN];
    struct sshsig sig;

    if (sshsig_decode(b, &sig) != TRUST_OK)
        return false;
    trust_kid(sig.pk, kid);
    return revocation_person_join(body, kid, b, out) == TS_OK;
}

/* With the key of a person, wherever the agent has it. */
static bool by_agent(const struct end *x, struct revoke_order *o,
                     struct ts_buf *out)
{
    struct ts_buf body, blob;
    bool ok = false;

    ts_buf_init(&body, SIGNED_REVOCATION_MAX);
    ts_buf_init(&blob, SSHSIG_MAX);
    randombytes_buf(o->r.nonce, sizeof(o->r.nonce));
    if (revocation_record_body(&o->r, &body) != TS_OK) {
        cli_error("the order cannot be written; --reason is UTF-8 of at most "
                  "256 bytes");
    } else {
        const struct ts_bytes b = {ts_buf_bytes(&body), body.len};

        ok = agent_sign(REVOCATION_SSH_NAMESPACE, x->ssh_key, b, &blob);
        if (ok && !join(b, &blob, out)) {
            cli_error("the signature does not fit into an order; give a "
                      "shorter --reason");
            ok = false;
        }
    }
    ts_buf_done(&body);
    ts_buf_done(&blob);
    return ok;
}

static int run(struct end *x, const char *id)
{
    struct revoke_order o = {
        .r = {.tenant = ts_str_of(x->tenant), .reason = ts_str_of(x->reason)}};
    char title[TITLE_MAX];
    struct ts_buf record;
    struct ts_bytes bytes;
    int code = CLI_FAILED;
    bool ok;

    if (!trust_id_valid(o.r.tenant)) {
        cli_error("--tenant: not the id of a tenant");
        return CLI_USAGE;
    }
    if (!revoke_order_target(&o, "escalation", id) ||
        !revoke_order_times(&o, NULL, NULL))
        return CLI_USAGE;
    revoke_record_title(&o.r, title, sizeof(title));
    ts_buf_init(&record, SIGNED_REVOCATION_MAX);
    ok = x->ssh_agent ? by_agent(x, &o, &record)
                      : revoke_order_sign(&o, x->key, &record);
    bytes = (struct ts_bytes){ts_buf_bytes(&record), record.len};
    if (ok && x->out == NULL)
        code = revoke_send(x->socket, x->wait_s, title, bytes);
    else if (ok && cli_write_new(x->out, 0644, bytes.ptr, bytes.len))
        code = CLI_OK;
    ts_buf_done(&record);
    return code;
}

/* Whose key; false: printed. */
static bool way_ok(struct end *x)
{
    if (x->key == NULL && !x->ssh_agent)
        x->key = getenv("TIPSTAFF_REVOKER_KEY");
    if (x->wait_s > 3600) {
        cli_error("--wait may be 1h");
        return false;
    }
    if ((x->key != NULL && x->key[0] != '\0') != x->ssh_agent &&
        (x->ssh_agent || x->ssh_key == NULL))
        return true;
    cli_error("one of --key FILE (or TIPSTAFF_REVOKER_KEY) and --ssh-agent "
              "[--ssh-key FILE.pub]: a revoker of the tenant, or one of those "
              "who signed it");
    return false;
}

int breakglass_end_run(int argc, char **argv)
{
    struct end x = {.socket = ADMIN_SOCKET_DEFAULT, .reason = "", .wait_s = 30};
    const struct cli_option options[] = {
        {"--tenant", "ID", "whose it is", CLI_TEXT, &x.tenant, true},
        {"--key", "FILE",
         "seed of a revoker, or of one who signed it (TIPSTAFF_REVOKER_KEY)",
         CLI_TEXT, &x.key, false},
        {"--ssh-agent", NULL, "have the agent at $SSH_AUTH_SOCK sign", CLI_FLAG,
         &x.ssh_agent, false},
        {"--ssh-key", "FILE.pub", "which of the agent's keys", CLI_TEXT,
         &x.ssh_key, false},
        {"--reason", "TEXT", "for the log", CLI_TEXT, &x.reason, false},
        {"--out", "FILE", "sign only; tipstaff revoke --in brings it", CLI_TEXT,
         &x.out, false},
        {"--wait", "TIME", "how long to wait for each answer (30s)",
         CLI_SECONDS, &x.wait_s, false},
        {"--socket", "PATH", "admin.sock (" ADMIN_SOCKET_DEFAULT ")", CLI_TEXT,
         &x.socket, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff break-glass end",
        .operands = "ID",
        .about = "Ends an escalation now, and kills what runs under it. A "
                 "revoker of the tenant may, and\neach of the people who "
                 "signed it, while it is in force (or interrupted).",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples =
            "  tipstaff break-glass end 9f...02 --tenant acme --key bob.seed\n"
            "  tipstaff break-glass end 9f...02 --tenant acme --ssh-agent "
            "--reason \"it is over\"\n"
            "  tipstaff break-glass end 9f...02 --tenant acme --key "
            "keys/revoker.seed\n",
    };
    char **operands;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    return way_ok(&x) ? run(&x, operands[0]) : CLI_USAGE;
}
