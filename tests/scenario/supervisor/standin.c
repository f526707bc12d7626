/*
 * Plays tipstaff-gate, tipstaff-recorder or tipstaff-launcher, whichever its
 * name says, well enough to watch the supervisor: speaks the control protocol,
 * checks that it was handed exactly its descriptors, and can be told to
 * misbehave by files in the bundle.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/fds.h"

extern char **environ;

enum part {
    GATE,
    RECORDER,
    LAUNCHER
};

struct play {
    enum part part;
    uint64_t generation;
    char aborted[256]; /* text of the last ABORT */
    bool silent;       /* says nothing of its own accord */
    char fed[512];     /* "acme/1=bytes," of every FEED */
};

static void say(enum control_type type, const char *text, int fd)
{
    struct control_message m = {
        .type = type, .bundle_fd = fd, .journal_fd = -1};

    m.as.text.text = ts_str_of(text);
    if (control_send(FD_CONTROL, &m) != TS_OK)
        _exit(90);
}

static void say_prepared(uint64_t generation)
{
    const struct control_message m = {
        .type = CONTROL_PREPARED,
        .bundle_fd = -1,
        .journal_fd = -1,
        .as.prepared = {.generation = generation}};

    if (control_send(FD_CONTROL, &m) != TS_OK)
        _exit(90);
}

#define LAUNCHERS 5 /* the built-in profiles */

/* Exactly the descriptors of fds.h, an empty environment. */
static void check_inheritance(enum part part)
{
    static const int highest[] = {
        [GATE] = GATE_FD_LAUNCHER + LAUNCHERS - 1,
        [RECORDER] = RECORDER_FD_LAUNCHER + LAUNCHERS - 1,
        [LAUNCHER] = LAUNCHER_FD_LAST,
    };

    for (int fd = 0; fd < 256; fd++) {
        if ((fcntl(fd, F_GETFD) >= 0) != (fd <= highest[part]))
            _exit(91);
    }
    if (environ[0] != NULL)
        _exit(92);
}

/* A "tool" that leaves its session and its parent, and heeds no signal but one
 * of its own. */
static void leave_orphan(void)
{
    if (fork() != 0)
        return;
    if (setsid() < 0 || fork() != 0)
        _exit(0);
    (void)prctl(PR_SET_NAME, "ts-orphan", 0, 0, 0);
    (void)alarm(120); /* a supervisor that was killed ends nobody */
    for (;;)
        (void)pause();
}

static bool bundle_has(int fd, const char *name)
{
    struct bundle b;
    bool has;

    if (bundle_open(fd, &b) != TS_OK)
        _exit(93);
    has = bundle_find(&b, name) != NULL;
    bundle_done(&b);
    return has;
}

static void mark(const char *name)
{
    int fd = openat(RECORDER_FD_LOG, name,
                    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    if (fd < 0 || write(fd, "x", 1) != 1)
        _exit(94);
    ts_fd_close(&fd);
}

static void on_start(struct play *p, struct control_message *m)
{
    int journal TS_CLEANUP(ts_fd_close) = -1;

    p->generation = m->as.start.generation;
    p->silent = p->part == GATE && m->bundle_fd >= 0 &&
                bundle_has(m->bundle_fd, "tools/silent.yaml");
    if ((m->bundle_fd >= 0) != (p->part != RECORDER) ||
        (m->journal_fd >= 0 && p->part != GATE)) /* none with --check */
        _exit(95);
    if (p->part == RECORDER)
        journal = memfd_create("journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (p->part == LAUNCHER)
        leave_orphan();
    if (p->part != RECORDER && bundle_has(m->bundle_fd, "tools/refuse.yaml"))
        say(CONTROL_REJECTED, "tools/refuse.yaml:1: refused at the start", -1);
    else
        say(CONTROL_READY, "", journal);
}

static void on_prepare(struct control_message *m)
{
    if (bundle_has(m->bundle_fd, "tools/die.yaml"))
        _exit(96);
    if (bundle_has(m->bundle_fd, "tools/refuse.yaml"))
        say(CONTROL_REJECTED, "tools/refuse.yaml:1: refused", -1);
    else
        say_prepared(m->as.prepare.generation);
}

static void on_feed(struct play *p, const struct control_message *m)
{
    const struct control_feed *f = &m->as.feed;
    size_t at = strlen(p->fed);
    char text[64];
    ssize_t n = pread(m->bundle_fd, text, sizeof(text), 0);

    if (p->part != GATE || n <= 0 ||
        fcntl(m->bundle_fd, F_GET_SEALS) !=
            (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
        _exit(88);
    (void)snprintf(p->fed + at, sizeof(p->fed) - at, "%.*s/%d=%.*s,",
                   (int)f->tenant.len, f->tenant.ptr, (int)f->what, (int)n,
                   text);
}

static void on_control(struct play *p)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;

    if (control_receive(FD_CONTROL, buf, &m) != TS_OK)
        _exit(97); /* the supervisor is gone */
    switch (m.type) {
    case CONTROL_START:
        on_start(p, &m);
        break;
    case CONTROL_PREPARE:
        on_prepare(&m);
        break;
    case CONTROL_COMMIT:
        p->generation = m.as.prepare.generation;
        break;
    case CONTROL_ABORT:
        (void)snprintf(p->aborted, sizeof(p->aborted), "%.*s",
                       (int)m.as.abort.text.len, m.as.abort.text.ptr);
        break;
    case CONTROL_DRAIN:
        if (p->part == RECORDER)
            mark("drained");
        _exit(0);
    case CONTROL_READY:
    case CONTROL_PREPARED:
    case CONTROL_REJECTED:
    case CONTROL_STATUS:
        _exit(98);
    case CONTROL_HOOK:
    case CONTROL_WATCHER:
        break; /* a closed socket is all that the hook sees */
    case CONTROL_FEED:
        on_feed(p, &m);
        break;
    }
    ts_fd_close(&m.bundle_fd);
    ts_fd_close(&m.journal_fd);
}

/* The gate tells how it stands; the seed's length shows that it came. */
static void on_agent(const struct play *p, ssize_t seed_len)
{
    char line[1024], ask[16] = "";
    int c = accept4(GATE_FD_AGENT, NULL, NULL, SOCK_CLOEXEC);
    int n = snprintf(
        line, sizeof(line), "generation=%llu seed=%d aborted=%s fed=%s\n",
        (unsigned long long)p->generation, (int)seed_len, p->aborted, p->fed);

    if (c < 0)
        return;
    if (write(c, line, (size_t)n) == n && read(c, ask, sizeof(ask) - 1) > 0 &&
        strcmp(ask, "nonsense\n") == 0)
        (void)send(FD_CONTROL, "\x07junk", 5, 0);
    ts_fd_close(&c);
}

static enum part part_of(const char *name)
{
    if (strstr(name, "recorder") != NULL)
        return RECORDER;
    return strstr(name, "launcher") != NULL ? LAUNCHER : GATE;
}

int main(int argc, char **argv)
{
    struct play p = {.part = part_of(argc > 0 ? argv[0] : "")};
    uint8_t seed[64];
    ssize_t seed_len = 0;

    check_inheritance(p.part);
    if (p.part == GATE)
        seed_len = read(GATE_FD_KEY, seed, sizeof(seed));
    for (;;) {
        struct pollfd f[2] = {{.fd = FD_CONTROL, .events = POLLIN},
                              {.fd = GATE_FD_AGENT, .events = POLLIN}};

        int n = poll(f, p.part == GATE ? 2 : 1, CONTROL_BEAT_MS);

        if (n < 0)
            _exit(99);
        if (n == 0 && p.part == GATE && p.generation != 0 && !p.silent)
            say(CONTROL_STATUS, "the stand-in lives", -1);
        if (f[0].revents != 0)
            on_control(&p);
        else if (p.part == GATE && f[1].revents != 0)
            on_agent(&p, seed_len);
    }
}
