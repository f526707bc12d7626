/* tipstaff directory heartbeat: says, again and again, that the installed
 * snapshot is still the newest. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cmd.h"
#include "cli/directory/directory.h"
#include "cli/directory/publish.h"
#include "cli/directory/push.h"

#define BEAT_BUDGET ((size_t)64 << 20)

struct beat {
    /* options */
    const char *config, *tenant, *key, *socket;
    uint64_t every_s, ttl_s;
    bool once, no_push, no_file;
    /* while it runs */
    struct dir_place place;
    struct trust_secret secret;
    bool has_key;
};

/* The installed snapshot, read anew each time: it may be another by now. Only
 * one that a directory key has signed, and that holds, is vouched for. */
static bool read_snapshot(const struct beat *b, struct ts_arena *arena,
                          const struct dir_trust *t, uint64_t now,
                          struct heartbeat *h)
{
    struct ts_bytes bytes = {0};
    struct dir_found f;

    switch (dir_file_read(&b->place, DIR_SNAPSHOT_FILE, SIGNED_SNAPSHOT_MAX,
                          arena, &bytes)) {
    case DIR_READ_NONE:
        cli_error("tenant %s has no directory yet; \"tipstaff directory "
                  "apply\" signs one",
                  b->place.tenant);
        return false;
    case DIR_READ_FAILED:
        return false;
    case DIR_READ_OK:
        break;
    }
    if (!dir_found_read(DIR_SNAPSHOT_FILE, bytes, t, ts_str_of(b->place.tenant),
                        arena, &f))
        return false;
    if (f.by == NULL) {
        cli_error(DIR_SNAPSHOT_FILE ": %s; no heartbeat for it", f.why);
        return false;
    }
    if (now >= f.s.not_after) {
        cli_error(DIR_SNAPSHOT_FILE ": has expired; apply it again, a "
                                    "heartbeat does not prolong it");
        return false;
    }
    *h = (struct heartbeat){.tenant = ts_str_of(b->place.tenant),
                            .seq = f.s.seq,
                            .issued = now,
                            .not_after = now + b->ttl_s};
    memcpy(h->snapshot_hash, f.s.hash, TRUST_HASH_LEN);
    return true;
}

static bool deliver(const struct beat *b, struct ts_arena *arena,
                    struct ts_bytes object)
{
    const struct admin_feed feed = {.what = FEED_HEARTBEAT, .object = object};
    const char *path = b->socket;
    struct dir_pushed pushed = {0};

    if (!b->no_file &&
        (!dir_file_prepare(&b->place, DIR_HEARTBEAT_FILE, object) ||
         !dir_file_commit(&b->place, DIR_HEARTBEAT_FILE)))
        return false;
    if (b->no_push)
        return true;
    if (path == NULL && !dir_place_socket(&b->place, arena, &path))
        return false;
    return dir_push(path, &feed, b->every_s, NULL, NULL, &pushed) ==
           DIR_PUSH_DONE;
}

static bool beat_in(struct beat *b, struct ts_arena *arena)
{
    struct dir_trust trust;
    struct heartbeat h;
    struct ts_buf object;
    uint64_t now;
    bool ok;

    if (!dir_now(&now) || !dir_trust_load(&b->place, arena, &trust))
        return false;
    if (!b->has_key &&
        !dir_key_load(&b->place, &trust, b->key, now, &b->secret))
        return false;
    b->has_key = true;
    if (!read_snapshot(b, arena, &trust, now, &h))
        return false;
    ts_buf_init(&object, SIGNED_HEARTBEAT_MAX);
    ok = heartbeat_make(&h, &b->secret, &object) == TS_OK;
    if (!ok)
        cli_error("the heartbeat cannot be signed");
    ok = ok && deliver(b, arena,
                       (struct ts_bytes){ts_buf_bytes(&object), object.len});
    if (ok && b->once)
        (void)printf("seq %" PRIu64 " is the newest, for %" PRIu64 " s\n",
                     h.seq, b->ttl_s);
    ts_buf_done(&object);
    return ok;
}

static bool beat_once(struct beat *b)
{
    struct ts_arena arena;
    bool ok;

    ts_arena_init(&arena, BEAT_BUDGET);
    ok = beat_in(b, &arena);
    ts_arena_done(&arena);
    return ok;
}

/* True when the time has passed, false when we are to end. */
static bool wait_for_next(const sigset_t *ends, struct timespec *next,
                          uint64_t every_s)
{
    struct timespec now, left;
    int s;

    next->tv_sec += (time_t)every_s;
    for (;;) {
        (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
        left.tv_sec = next->tv_sec - now.tv_sec;
        left.tv_nsec = next->tv_nsec - now.tv_nsec;
        if (left.tv_nsec < 0) {
            left.tv_sec--;
            left.tv_nsec += 1000000000;
        }
        if (left.tv_sec < 0) {
            *next = now; /* late, as after a suspend: no burst */
            left = (struct timespec){0};
        }
        s = sigtimedwait(ends, NULL, &left);
        if (s >= 0)
            return false;
        if (errno == EAGAIN)
            return true;
    }
}

/* What goes wrong is said once and tried again: a disk that was full for a
 * minute must not become an outage that lasts. */
static int run(struct beat *b)
{
    struct timespec next;
    sigset_t ends;
    bool ok;

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    if (sigprocmask(SIG_BLOCK, &ends, NULL) != 0)
        return CLI_FAILED;
    (void)clock_gettime(CLOCK_MONOTONIC, &next); /* cannot fail */
    ok = beat_once(b);
    if (b->once || !b->has_key) /* without its key it never will */
        return ok ? CLI_OK : CLI_FAILED;
    while (wait_for_next(&ends, &next, b->every_s)) {
        bool was = ok;

        ok = beat_once(b);
        if (ok && !was)
            (void)fprintf(stderr, "tipstaff: heartbeats go out again\n");
    }
    return CLI_OK;
}

static bool check(const struct beat *b)
{
    if (b->every_s == 0 || b->every_s > 3600 || b->ttl_s > 86400) {
        cli_error("--every may be 1s to 1h, --ttl 1s to 1d");
        return false;
    }
    if (b->ttl_s <= b->every_s && !b->once) {
        cli_error("--ttl must be longer than --every, or there are gaps "
                  "between heartbeats");
        return false;
    }
    if (b->ttl_s > 0 && !(b->no_file && b->no_push))
        return true;
    cli_error(b->ttl_s == 0 ? "--ttl may be 1s to 1d"
                            : "--no-file and --no-push leave nothing to do");
    return false;
}

int cmd_directory_heartbeat(int argc, char **argv)
{
    struct beat b = {.every_s = 10, .ttl_s = 30};
    const struct cli_option options[] = {
        {"--config", "DIR", "the configuration that holds tenants/", CLI_TEXT,
         &b.config, true},
        {"--tenant", "NAME", "whose directory (the only one there is)",
         CLI_TEXT, &b.tenant, false},
        {"--key", "FILE", "signs it (DIR/keys/directory.seed)", CLI_TEXT,
         &b.key, false},
        {"--every", "TIME", "between two of them (10s)", CLI_SECONDS,
         &b.every_s, false},
        {"--ttl", "TIME", "how long each counts (30s)", CLI_SECONDS, &b.ttl_s,
         false},
        {"--once", NULL, "one, and end", CLI_FLAG, &b.once, false},
        {"--socket", "PATH", "admin.sock (that of DIR/tipstaff.yaml)", CLI_TEXT,
         &b.socket, false},
        {"--no-push", NULL, "only write the file", CLI_FLAG, &b.no_push, false},
        {"--no-file", NULL, "only tell the service", CLI_FLAG, &b.no_file,
         false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff directory heartbeat",
        .operands = "",
        .about = "Signs \"the installed snapshot is still the newest\" and "
                 "hands it to the service: as\n"
                 "DIR/tenants/NAME/directory.heartbeat and on the admin "
                 "socket. Goes on until SIGTERM.\nFor tenants with "
                 "\"freshness: heartbeat\": without it their calls are denied.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff directory heartbeat --config /etc/tipstaff "
                    "--tenant acme\n"
                    "  tipstaff directory heartbeat --config ./demo --once\n",
    };
    char **operand;
    size_t count;
    int code = CLI_FAILED;

    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    if (!check(&b))
        return CLI_USAGE;
    if (trust_init() != TS_OK) {
        cli_error("this libsodium must not be used");
        return CLI_FAILED;
    }
    if (!dir_place_open(&b.place, b.config, b.tenant))
        return CLI_FAILED;
    code = run(&b);
    trust_secret_done(&b.secret);
    dir_place_close(&b.place);
    return code;
}
