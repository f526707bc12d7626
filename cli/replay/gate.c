/* Start and end of the gate. */
#include "cli/replay/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/fds.h"

#define PROGRAM   "tipstaff-gate"
#define READY_MS  20000
#define LOG_SHOWN 8192 /* bytes of the end of its log */
#define HIGH_FD   64   /* above all that a gate is handed */

enum { /* what it is handed, in the order of fds.h */
    END_CONTROL,
    END_AGENT,
    END_ADMIN,
    END_RING,
    END_WAKE,
    END_KEY,
    END_BROKER,
    END_LAUNCHER,
    ENDS
};

static bool trouble(const char *what)
{
    cli_error("%s: %s", what, strerror(errno));
    return false;
}

/* Beside us, or where packages put it. */
static int find_program(void)
{
    static const char *const beside[] = {"", "../libexec/tipstaff/"};
    char self[2048], path[2200];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int fd = -1;

    while (n > 0 && self[n - 1] != '/')
        n--;
    self[n > 0 ? n : 0] = '\0';
    for (size_t i = 0; n > 0 && fd < 0 && i < 2; i++) {
        (void)snprintf(path, sizeof(path), "%s%s" PROGRAM, self, beside[i]);
        fd = open(path, O_PATH | O_CLOEXEC);
    }
    if (fd < 0)
        cli_error(PROGRAM " is neither beside this program nor in "
                          "../libexec/tipstaff: install the service");
    return fd;
}

void replay_gate_path(const struct replay_gate *g, const char *name,
                      char out[REPLAY_PATH_CAP])
{
    (void)snprintf(out, REPLAY_PATH_CAP, "%s/%s", g->dir, name);
}

static int listening(const struct replay_gate *g, const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char path[REPLAY_PATH_CAP];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    replay_gate_path(g, name, path);
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
        listen(fd, 64) != 0)
        ts_fd_close(&fd);
    return fd;
}

static int key_pipe(const struct replay_keys *k)
{
    int fd[2];
    bool ok;

    if (pipe2(fd, O_CLOEXEC) != 0)
        return -1;
    ok = ts_fd_write_all(fd[1], k->sidecar_seed, TRUST_SEED_LEN) == TS_OK;
    ts_fd_close(&fd[1]);
    if (!ok)
        ts_fd_close(&fd[0]);
    return fd[0];
}

static bool pair(int *ret_ours, int *ret_theirs)
{
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
        return false;
    *ret_ours = fd[0];
    *ret_theirs = fd[1];
    return true;
}

static bool make_ends(struct replay_gate *g, const struct replay_keys *k,
                      int ends[ENDS], int *ret_wake)
{
    if (!pair(&g->control, &ends[END_CONTROL]) ||
        !pair(&g->launcher, &ends[END_LAUNCHER]))
        return trouble("socketpair");
    ends[END_AGENT] = listening(g, "agent.sock");
    ends[END_ADMIN] = listening(g, "admin.sock");
    if (ends[END_AGENT] < 0 || ends[END_ADMIN] < 0)
        return trouble(g->dir);
    if (ring_create(&ends[END_RING]) != TS_OK)
        return trouble("memfd");
    ends[END_WAKE] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    *ret_wake =
        ends[END_WAKE] >= 0 ? fcntl(ends[END_WAKE], F_DUPFD_CLOEXEC, 0) : -1;
    ends[END_KEY] = key_pipe(k);
    ends[END_BROKER] = open("/dev/null", O_RDWR | O_CLOEXEC);
    return *ret_wake >= 0 && ends[END_KEY] >= 0 && ends[END_BROKER] >= 0
               ? true
               : trouble("descriptors");
}

_Noreturn static void become(int program, const int ends[ENDS], int log)
{
    char name[] = PROGRAM, *const argv[] = {name, NULL};
    char *const env[] = {NULL};
    int high[ENDS], null = open("/dev/null", O_RDWR);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    program = fcntl(program, F_DUPFD_CLOEXEC, HIGH_FD);
    for (int i = 0; i < ENDS; i++)
        high[i] = fcntl(ends[i], F_DUPFD_CLOEXEC, HIGH_FD);
    if (program < 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
        dup2(log, 2) < 0)
        _exit(127);
    for (int i = 0; i < ENDS; i++)
        if (high[i] < 0 || dup2(high[i], FD_CONTROL + i) < 0)
            _exit(127);
    (void)close_range(FD_CONTROL + ENDS, UINT32_MAX, CLOSE_RANGE_CLOEXEC);
    (void)fexecve(program, argv, env);
    _exit(127);
}

static bool no_journal(int *ret_fd)
{
    static const uint8_t empty[] = {0x92, 0x01, 0x90}; /* [1, []] */
    int fd = memfd_create("journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0 || ts_fd_write_all(fd, empty, sizeof(empty)) != TS_OK ||
        fcntl(fd, F_ADD_SEALS,
              F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
        ts_fd_close(&fd);
        return trouble("memfd");
    }
    *ret_fd = fd;
    return true;
}

static bool say_start(struct replay_gate *g, int bundle_fd)
{
    struct control_message m = {.type = CONTROL_START, .bundle_fd = bundle_fd};
    struct control_start *s = &m.as.start;
    int journal = -1;
    ts_err e;

    *s = (struct control_start){
        .generation = 1,
        .boot_id = 1,
        .launchers = 1,
        .sidecar_id = ts_str_of(REPLAY_SIDECAR),
        .audience_count = 1,
        .admin_uid_count = 1,
        .admin_uids = {(uint32_t)geteuid()},
        .allow_root_agents = true,
        .segment_bytes = 1 << 20,
        .reserve_bytes = 1 << 20,
        .handshake_rate = 100000,
        .handshake_burst = 100000,
    };
    s->audiences[0] = s->sidecar_id;
    if (!no_journal(&journal))
        return false;
    m.journal_fd = journal;
    e = control_send(g->control, &m);
    ts_fd_close(&journal);
    return e == TS_OK ? true : trouble("the gate's channel");
}

static bool wait_ready(struct replay_gate *g)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;
    char text[1024];

    for (;;) {
        struct pollfd p = {.fd = g->control, .events = POLLIN};

        if (poll(&p, 1, READY_MS) <= 0 ||
            control_receive(g->control, buf, &m) != TS_OK) {
            cli_error(PROGRAM " ended before it was ready");
            return false;
        }
        if (m.type == CONTROL_READY)
            return true;
        if (m.type == CONTROL_STATUS)
            continue;
        (void)ts_str_show(text, sizeof(text), m.as.text.text.ptr,
                          m.as.text.text.len);
        cli_error(PROGRAM " refused the configuration: %s", text);
        return false;
    }
}

static bool launch(struct replay_gate *g, const struct replay_keys *k,
                   int bundle_fd)
{
    int ends[ENDS], wake = -1, program = find_program();
    bool ok;

    for (int i = 0; i < ENDS; i++)
        ends[i] = -1;
    g->log = memfd_create("log", MFD_CLOEXEC);
    if (g->log < 0)
        (void)trouble("memfd");
    ok = program >= 0 && g->log >= 0 && make_ends(g, k, ends, &wake);
    if (ok) {
        g->has_ring = ring_reader_open(ends[END_RING], wake, &g->ring) == TS_OK;
        if (!g->has_ring)
            ts_fd_close(&wake);
        ok = g->has_ring;
    }
    if (ok) {
        ring_state_set(&g->ring, RING_OK);
        g->pid = fork();
        if (g->pid == 0)
            become(program, ends, g->log);
        ok = g->pid > 0 ? true : trouble("fork");
    }
    for (int i = 0; i < ENDS; i++)
        ts_fd_close(&ends[i]);
    ts_fd_close(&program);
    return ok && say_start(g, bundle_fd) && wait_ready(g);
}

bool replay_gate_start(struct replay_gate *g, const struct replay_keys *k,
                       int bundle_fd)
{
    const char *tmp = getenv("TMPDIR");
    int n;

    *g = (struct replay_gate)REPLAY_GATE_NONE;
    ts_buf_init(&g->output, (size_t)16 << 20);
    g->entry = ts_mem_alloc(TS_RING_ENTRY_MAX);
    n = snprintf(g->dir, sizeof(g->dir), "%s/tipstaff-replay.XXXXXX",
                 tmp != NULL && tmp[0] == '/' ? tmp : "/tmp");
    if (g->entry == NULL || n < 0 || (size_t)n >= sizeof(g->dir) ||
        mkdtemp(g->dir) == NULL) {
        g->dir[0] = '\0';
        cli_error("$TMPDIR: no directory can be made in it");
        return false;
    }
    return launch(g, k, bundle_fd);
}

void replay_gate_stop(struct replay_gate *g)
{
    static const char *const names[] = {"agent.sock", "admin.sock", "chain",
                                        "key", "chain.origin"};
    char path[REPLAY_PATH_CAP];

    if (g->pid > 0) {
        (void)kill(g->pid, SIGKILL);
        while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (g->has_ring)
        ring_reader_done(&g->ring);
    ts_fd_close(&g->control);
    ts_fd_close(&g->launcher);
    ts_fd_close(&g->tool_out);
    ts_fd_close(&g->log);
    ts_buf_done(&g->output);
    ts_mem_free(g->entry);
    if (g->dir[0] != '\0') {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            replay_gate_path(g, names[i], path);
            (void)unlink(path); /* it may not be there */
        }
        (void)rmdir(g->dir);
    }
    *g = (struct replay_gate)REPLAY_GATE_NONE;
}

void replay_gate_say_log(const struct replay_gate *g)
{
    char text[LOG_SHOWN];
    off_t end = g->log >= 0 ? lseek(g->log, 0, SEEK_END) : 0;
    off_t from = end > LOG_SHOWN ? end - LOG_SHOWN : 0;
    ssize_t n = g->log >= 0 ? pread(g->log, text, sizeof(text), from) : 0;

    if (n > 0)
        (void)fprintf(stderr, "the gate's log:\n%.*s\n", (int)n, text);
}
