/* tipstaff revoke: ends authority now, and waits until every tool that ran
 * under it is gone. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/admin_socket.h"
#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "proto/trust/id.h"
#include "proto/wire/limits.h"

struct revoke {
    const char *socket, *tenant, *reason, *cutoff;
    uint64_t wait_s;
    uint8_t bytes[32]; /* of a grant, block or key */
    struct admin_revoke m;
};

static const struct {
    const char *name;
    enum revoke_kind kind;
    size_t len; /* of the target in bytes; 0: an id */
} kinds[] = {
    {"grant", REVOKE_GRANT, 16}, {"block", REVOKE_BLOCK, 32},
    {"key", REVOKE_KEY, 32},     {"user", REVOKE_USER, 0},
    {"agent", REVOKE_AGENT, 0},  {"task", REVOKE_TASK, 0},
};

static bool read_target(struct revoke *r, const char *kind, const char *target)
{
    size_t n = strlen(target);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kind, kinds[i].name) != 0)
            continue;
        r->m.kind = kinds[i].kind;
        if (kinds[i].len == 0) {
            r->m.target = (struct ts_bytes){(const uint8_t *)target, n};
            if (trust_id_valid(ts_str_of(target)))
                return true;
            cli_error("%s: not the id of a %s", target, kind);
            return false;
        }
        r->m.target = (struct ts_bytes){r->bytes, kinds[i].len};
        if (r->m.kind == REVOKE_KEY)
            return cli_public_key("the key", target, r->bytes);
        if (ts_hex_decode(target, n, r->bytes, kinds[i].len) == TS_OK)
            return true;
        cli_error("a %s is named by %zu hex digits; `tipstaff delegation show` "
                  "prints them",
                  kind, 2 * kinds[i].len);
        return false;
    }
    cli_error(
        "\"%s\" cannot be revoked; grant, block, key, user, agent or task "
        "can",
        kind);
    return false;
}

/* "now" or "2026-11-22T10:00:00Z". */
static bool read_time(const char *s, uint64_t *ret)
{
    struct tm tm = {0};
    struct timespec now;
    const char *end;
    time_t t;

    if (strcmp(s, "now") == 0) {
        /* Not time(): it runs up to a tick behind, and authority issued in
         * that tick would be spared. */
        if (clock_gettime(CLOCK_REALTIME, &now) != 0)
            return false;
        t = now.tv_sec;
    } else {
        end = strptime(s, "%Y-%m-%dT%H:%M:%SZ", &tm);
        if (end == NULL || *end != '\0')
            return false;
        t = timegm(&tm);
    }
    if (t <= 0)
        return false;
    *ret = (uint64_t)t;
    return true;
}

/* What is named by its content ends for ever; the rest up to a moment, so that
 * authority given later counts again. */
static bool read_cutoff(struct revoke *r)
{
    bool by_content = r->m.kind == REVOKE_GRANT || r->m.kind == REVOKE_BLOCK;

    if (by_content && r->cutoff == NULL)
        return true;
    if (by_content) {
        cli_error("--cutoff is for keys, users, agents and tasks: a grant or "
                  "block ends for ever");
        return false;
    }
    if (read_time(r->cutoff == NULL ? "now" : r->cutoff, &r->m.cutoff))
        return true;
    cli_error("--cutoff is \"now\" or a time such as 2026-11-22T10:00:00Z");
    return false;
}

static int await_complete(struct admin_socket *s, const struct revoke *r,
                          uint64_t rev_seq)
{
    struct admin_complete done;
    struct frame f;
    const char *what = "";

    switch (admin_receive(s, r->wait_s * 1000, &f)) {
    case ADMIN_BROKEN:
        return CLI_FAILED;
    case ADMIN_TIMEOUT:
        cli_error("revoked, but after %llu s not every tool was seen to end; "
                  "tipstaff status shows how many run",
                  (unsigned long long)r->wait_s);
        return CLI_FAILED;
    case ADMIN_GOT:
        break;
    }
    if (f.type != ADMIN_COMPLETE ||
        admin_complete_decode(f.body, f.len, &done, &what) != TS_OK ||
        done.rev_seq != rev_seq) {
        cli_error("revoked, but the service's second answer is malformed");
        return CLI_FAILED;
    }
    (void)printf("complete: every tool that ran under it has ended\n");
    return CLI_OK;
}

static int converse(struct admin_socket *s, const struct revoke *r)
{
    struct admin_ack ack;
    struct ts_buf out;
    struct frame f;
    const char *what = "";
    enum admin_wait w = ADMIN_BROKEN;

    ts_buf_init(&out, 4096);
    if (admin_revoke_send(&out, &r->m) != TS_OK)
        cli_error("the request cannot be made: a value is out of its limits");
    else if (admin_send(s, &out))
        w = admin_receive(s, r->wait_s * 1000, &f);
    ts_buf_done(&out);
    if (w == ADMIN_TIMEOUT)
        cli_error("no answer within %llu s: it is not known whether it was "
                  "revoked; try again",
                  (unsigned long long)r->wait_s);
    if (w != ADMIN_GOT)
        return CLI_FAILED;
    if (f.type != ADMIN_ACK ||
        admin_ack_decode(f.body, f.len, &ack, &what) != TS_OK) {
        cli_error("the service's answer is malformed; it is not known whether "
                  "it was revoked");
        return CLI_FAILED;
    }
    (void)printf("revoked, number %llu: %llu running tools signalled, %llu "
                 "sessions closed\n",
                 (unsigned long long)ack.rev_seq,
                 (unsigned long long)ack.tools_signalled,
                 (unsigned long long)ack.sessions_closed);
    (void)fflush(stdout); /* the wait may be long */
    return await_complete(s, r, ack.rev_seq);
}

static int run(struct revoke *r, char **operand)
{
    struct admin_socket s;
    int code;

    if (!read_target(r, operand[0], operand[1]) || !read_cutoff(r))
        return CLI_USAGE;
    if (strlen(r->reason) > TS_REASON_MAX || r->wait_s > 3600) {
        cli_error("--reason may have %d bytes, --wait may be 1h",
                  TS_REASON_MAX);
        return CLI_USAGE;
    }
    r->m.tenant = ts_str_of(r->tenant);
    r->m.reason = ts_str_of(r->reason);
    if (!trust_id_valid(r->m.tenant)) {
        cli_error("--tenant: not the id of a tenant");
        return CLI_USAGE;
    }
    if (!admin_open(&s, r->socket))
        return CLI_FAILED;
    code = converse(&s, r);
    admin_close(&s);
    return code;
}

int cmd_revoke(int argc, char **argv)
{
    struct revoke r = {
        .socket = ADMIN_SOCKET_DEFAULT, .reason = "", .wait_s = 30};
    const struct cli_option options[] = {
        {"--tenant", "NAME", "whose authority it is", CLI_TEXT, &r.tenant,
         true},
        {"--cutoff", "TIME",
         "key, user, agent, task: all authority issued up to then (now)",
         CLI_TEXT, &r.cutoff, false},
        {"--reason", "TEXT", "for the log", CLI_TEXT, &r.reason, false},
        {"--wait", "TIME", "how long to wait until the tools are gone (30s)",
         CLI_SECONDS, &r.wait_s, false},
        {"--socket", "PATH", "admin.sock (" ADMIN_SOCKET_DEFAULT ")", CLI_TEXT,
         &r.socket, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff revoke",
        .operands = "grant|block|key|user|agent|task TARGET",
        .about = "Takes authority away at once: nothing new starts under it, "
                 "its sessions close and\nits tools are killed. Exit code 0 "
                 "when all of them have ended.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 2,
        .operands_max = 2,
        .examples = "  tipstaff revoke grant 2f1c...e0 --tenant acme\n"
                    "  tipstaff revoke agent coder --tenant acme --reason "
                    "\"lost key\"\n"
                    "  tipstaff revoke user bob --tenant acme --cutoff "
                    "2026-11-22T10:00:00Z\n",
    };
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    return run(&r, operand);
}
