/* tipstaff directory push: hands over what was signed elsewhere. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cmd.h"
#include "cli/directory/directory.h"
#include "cli/directory/push.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "proto/trust/directory_snapshot.h"
#include "proto/trust/heartbeat.h"

#define BUDGET ((size_t)64 << 20)

/* Which of the two it is, by its form: the service judges the rest. */
static bool recognise(const char *path, struct ts_bytes b,
                      struct ts_arena *arena, struct admin_feed *ret)
{
    struct directory_snapshot s;
    struct signed_object o;
    struct heartbeat h;

    ret->object = b;
    if (signed_split(SIGNED_HEARTBEAT, b, &o) == TRUST_OK &&
        heartbeat_decode(o.body, &h) == TRUST_OK) {
        ret->what = FEED_HEARTBEAT;
        return true;
    }
    if (signed_split(SIGNED_SNAPSHOT, b, &o) == TRUST_OK &&
        directory_snapshot_decode(o.body, arena, &s, NULL, NULL) == TRUST_OK) {
        ret->what = FEED_SNAPSHOT;
        return true;
    }
    cli_error("%s: neither a directory snapshot nor a heartbeat; nothing was "
              "sent",
              path);
    return false;
}

static int push(const char *path, const char *socket_path, uint64_t wait_s,
                struct ts_arena *arena)
{
    struct admin_feed feed = {.what = FEED_SNAPSHOT};
    struct dir_pushed p = {0};
    struct ts_bytes b;

    if (!cli_read(path, SIGNED_SNAPSHOT_MAX, arena, &b) ||
        !recognise(path, b, arena, &feed))
        return CLI_FAILED;
    switch (dir_push(socket_path, &feed, wait_s, NULL, NULL, &p)) {
    case DIR_PUSH_DONE:
        break;
    case DIR_PUSH_UNKNOWN:
        cli_error("it is not known whether it is in force; try again");
        return CLI_FAILED;
    case DIR_PUSH_NOBODY:
    case DIR_PUSH_REFUSED:
    case DIR_PUSH_UNFINISHED:
        return CLI_FAILED;
    }
    (void)printf("in force: %" PRIu64 " session%s closed, %" PRIu64 " tool%s "
                 "killed, all gone after %" PRIu64 " ms\n",
                 p.sessions, p.sessions == 1 ? "" : "s", p.tools,
                 p.tools == 1 ? "" : "s", p.took_ms);
    return CLI_OK;
}

int cmd_directory_push(int argc, char **argv)
{
    const char *socket_path = ADMIN_SOCKET_DEFAULT;
    uint64_t wait_s = 30;
    const struct cli_option options[] = {
        {"--socket", "PATH", "admin.sock (" ADMIN_SOCKET_DEFAULT ")", CLI_TEXT,
         &socket_path, false},
        {"--wait", "TIME", "how long to wait for each answer (30s)",
         CLI_SECONDS, &wait_s, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff directory push",
        .operands = "FILE",
        .about = "Hands a signed snapshot or heartbeat that was made elsewhere "
                 "to the running service\n(- is standard input). Nothing is "
                 "written here; the service verifies it.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff directory push directory.snapshot\n"
                    "  kubectl exec -i POD -c tipstaff -- tipstaff directory "
                    "push - <directory.snapshot\n",
    };
    struct ts_arena arena;
    char **operand;
    size_t count;
    int code;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    if (wait_s == 0 || wait_s > 3600) {
        cli_error("--wait may be 1s to 1h");
        return CLI_USAGE;
    }
    if (trust_init() != TS_OK) {
        cli_error("this libsodium must not be used");
        return CLI_FAILED;
    }
    ts_arena_init(&arena, BUDGET);
    code = push(operand[0], socket_path, wait_s, &arena);
    ts_arena_done(&arena);
    return code;
}
