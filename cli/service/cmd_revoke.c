/* tipstaff revoke: ends authority now, and waits until every tool that ran
 * under it is gone. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/admin_socket.h"
#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "cli/service/revoke_record.h"
#include "cli/service/revoke_send.h"
#include "proto/trust/id.h"
#include "proto/trust/revocation_person.h"
#include "proto/wire/limits.h"

#define TITLE_MAX 256

struct revoke {
    const char *socket, *tenant, *reason, *cutoff, *keep_until;
    const char *key, *in, *out;
    uint64_t wait_s;
    char title[TITLE_MAX]; /* what is revoked, printable */
};

/* A record that was signed elsewhere, perhaps on a machine without a network.
 * Whether its signature counts is for the service to say. */
static int run_in(struct revoke *r)
{
    struct revocation_record record;
    struct revocation_person o;
    struct ts_arena arena;
    struct ts_bytes bytes;
    int code = CLI_FAILED;

    ts_arena_init(&arena, 1u << 20);
    if (!cli_read(r->in, SIGNED_REVOCATION_MAX, &arena, &bytes)) {
        ts_arena_done(&arena);
        return CLI_FAILED;
    }
    if (revocation_person_split(bytes, &o) != TRUST_OK ||
        revocation_record_decode(o.body, &record) != TRUST_OK) {
        cli_error("%s: not a signed revocation; tipstaff revoke --out makes "
                  "one",
                  r->in);
    } else {
        revoke_record_title(&record, r->title, sizeof(r->title));
        code = revoke_send(r->socket, r->wait_s, r->title, bytes);
    }
    ts_arena_done(&arena);
    return code;
}

static int run_signed(struct revoke *r, struct revoke_order *o)
{
    struct ts_buf record;
    int code = CLI_FAILED;

    if (r->key == NULL)
        r->key = getenv("TIPSTAFF_REVOKER_KEY");
    if (r->key == NULL || r->key[0] == '\0') {
        cli_error("--key (or TIPSTAFF_REVOKER_KEY): the seed of a revoker of "
                  "the tenant, such as keys/revoker.seed, must sign it");
        return CLI_USAGE;
    }
    revoke_record_title(&o->r, r->title, sizeof(r->title));
    ts_buf_init(&record, SIGNED_REVOCATION_MAX);
    if (revoke_order_sign(o, r->key, &record)) {
        struct ts_bytes bytes = {ts_buf_bytes(&record), record.len};

        if (r->out == NULL)
            code = revoke_send(r->socket, r->wait_s, r->title, bytes);
        else if (cli_write_new(r->out, 0644, bytes.ptr, bytes.len))
            code = CLI_OK;
    }
    ts_buf_done(&record);
    return code;
}

static int run(struct revoke *r, char **operand, size_t count)
{
    struct revoke_order o = {0};

    if (r->wait_s > 3600) {
        cli_error("--wait may be 1h");
        return CLI_USAGE;
    }
    if (r->in != NULL) {
        if (count == 0 && r->out == NULL && r->key == NULL &&
            r->cutoff == NULL && r->keep_until == NULL && r->tenant == NULL &&
            r->reason == NULL)
            return run_in(r);
        cli_error("--in sends what is signed already: nothing but --socket "
                  "and --wait goes with it");
        return CLI_USAGE;
    }
    if (count == 0 || r->tenant == NULL) {
        cli_error(count == 0 ? "what is to be revoked? KIND and TARGET are "
                               "missing (--help)"
                             : "--tenant: whose authority is it?");
        return CLI_USAGE;
    }
    o.r.tenant = ts_str_of(r->tenant);
    o.r.reason = ts_str_of(r->reason != NULL ? r->reason : "");
    if (!trust_id_valid(o.r.tenant)) {
        cli_error("--tenant: not the id of a tenant");
        return CLI_USAGE;
    }
    if (!revoke_order_target(&o, operand[0], count > 1 ? operand[1] : NULL) ||
        !revoke_order_times(&o, r->cutoff, r->keep_until))
        return CLI_USAGE;
    return run_signed(r, &o);
}

int cmd_revoke(int argc, char **argv)
{
    struct revoke r = {.socket = ADMIN_SOCKET_DEFAULT, .wait_s = 30};
    const struct cli_option options[] = {
        {"--tenant", "NAME", "whose authority it is", CLI_TEXT, &r.tenant,
         false},
        {"--key", "FILE",
         "seed of a revoker of the tenant (TIPSTAFF_REVOKER_KEY)", CLI_TEXT,
         &r.key, false},
        {"--cutoff", "TIME",
         "all authority issued up to then (5 s from now, for clocks that are "
         "ahead)",
         CLI_TEXT, &r.cutoff, false},
        {"--keep-until", "TIME", "until when it is remembered, or \"forever\"",
         CLI_TEXT, &r.keep_until, false},
        {"--reason", "TEXT", "for the log", CLI_TEXT, &r.reason, false},
        {"--out", "FILE", "sign only: write the record, send nothing", CLI_TEXT,
         &r.out, false},
        {"--in", "FILE", "send a record that is signed already", CLI_TEXT,
         &r.in, false},
        {"--wait", "TIME", "how long to wait for each answer (30s)",
         CLI_SECONDS, &r.wait_s, false},
        {"--socket", "PATH", "admin.sock (" ADMIN_SOCKET_DEFAULT ")", CLI_TEXT,
         &r.socket, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff revoke",
        .operands = "KIND [TARGET]",
        .about =
            "Takes authority away at once: nothing new starts under it, its "
            "sessions close and\nits tools are killed. Exit code 0 when all "
            "of them have ended.\n\nKIND: grant, block, key, user, agent, "
            "task, tenant (no TARGET), issuer-key,\napprover, escalation, "
            "decision, session.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 0,
        .operands_max = 2,
        .examples = "  tipstaff revoke grant 2f1c...e0 --tenant acme --key "
                    "keys/revoker.seed\n"
                    "  tipstaff revoke agent coder --tenant acme --reason "
                    "\"lost key\"\n"
                    "  tipstaff revoke user bob --tenant acme --cutoff "
                    "2026-11-22T10:00:00Z\n"
                    "  tipstaff revoke tenant --tenant acme --out stop.rev\n"
                    "  tipstaff revoke --in stop.rev\n",
    };
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    if (trust_init() != TS_OK) {
        cli_error("this libsodium must not be used; install a newer one");
        return CLI_FAILED;
    }
    return run(&r, operand, count);
}
