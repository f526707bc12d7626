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
#include "proto/trust/id.h"
#include "proto/wire/limits.h"

#define TITLE_MAX 256

struct revoke {
    const char *socket, *tenant, *reason, *cutoff, *keep_until;
    const char *key, *in, *out;
    uint64_t wait_s;
    char title[TITLE_MAX]; /* what is revoked, printable */
    uint64_t sent_ns;
};

static double ms_since(uint64_t from_ns)
{
    return (double)(admin_now_ns() - from_ns) / 1e6;
}

static const char *plural(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static int await_complete(struct admin_socket *s, const struct revoke *r,
                          uint64_t rev_seq)
{
    enum admin_wait w = admin_receive_complete(s, r->wait_s * 1000, rev_seq);

    if (w == ADMIN_GOT) {
        (void)printf(", all gone after %.1f ms\n", ms_since(r->sent_ns));
        return CLI_OK;
    }
    (void)printf("\n");
    (void)fflush(stdout);
    if (w == ADMIN_TIMEOUT)
        cli_error("revoked, but after %" PRIu64
                  " s not every tool was seen to end; tipstaff status shows "
                  "how many run",
                  r->wait_s);
    return CLI_FAILED;
}

static int await_ack(struct admin_socket *s, const struct revoke *r)
{
    struct admin_ack ack;
    enum admin_wait w = admin_receive_ack(s, r->wait_s * 1000, &ack);

    if (w == ADMIN_TIMEOUT)
        cli_error("no answer within %" PRIu64
                  " s: it is not known whether it was revoked; try again",
                  r->wait_s);
    if (w != ADMIN_GOT)
        return CLI_FAILED;
    (void)printf("revoked %s: ack after %.1f ms (%" PRIu64
                 " tool%s signalled, %" PRIu64 " session%s closed)",
                 r->title, ms_since(r->sent_ns), ack.tools_signalled,
                 plural(ack.tools_signalled), ack.sessions_closed,
                 plural(ack.sessions_closed));
    (void)fflush(stdout); /* the wait may be long */
    return await_complete(s, r, ack.rev_seq);
}

static int send_record(struct revoke *r, struct ts_bytes record)
{
    struct admin_revoke m = {.record = record};
    struct admin_socket s;
    struct ts_buf out;
    int code = CLI_FAILED;

    if (!admin_open(&s, r->socket))
        return CLI_FAILED;
    ts_buf_init(&out, 4096);
    r->sent_ns = admin_now_ns();
    if (admin_revoke_send(&out, &m) != TS_OK)
        cli_error("out of memory");
    else if (admin_send(&s, &out))
        code = await_ack(&s, r);
    ts_buf_done(&out);
    admin_close(&s);
    return code;
}

/* A record that was signed elsewhere, perhaps on a machine without a network.
 * Whether its signature counts is for the service to say. */
static int run_in(struct revoke *r)
{
    struct revocation_record record;
    struct signed_object o;
    struct ts_arena arena;
    struct ts_bytes bytes;
    int code = CLI_FAILED;

    ts_arena_init(&arena, 1u << 20);
    if (!cli_read(r->in, SIGNED_REVOCATION_MAX, &arena, &bytes)) {
        ts_arena_done(&arena);
        return CLI_FAILED;
    }
    if (signed_split(SIGNED_REVOCATION, bytes, &o) != TRUST_OK ||
        revocation_record_decode(o.body, &record) != TRUST_OK) {
        cli_error("%s: not a signed revocation; tipstaff revoke --out makes "
                  "one",
                  r->in);
    } else {
        revoke_record_title(&record, r->title, sizeof(r->title));
        code = send_record(r, bytes);
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
            code = send_record(r, bytes);
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
