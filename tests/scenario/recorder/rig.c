#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/revocation_entry.h"
#include "tests/lib/ts_test.h"

#define HOP_WAIT_MS 10000
#define LOG_CAP     (64u << 20)

static const uint8_t args[] = {0x81, 0xa1, 'k', 0xa1, 'v'};

void rig_init(struct rig *r)
{
    *r = (struct rig){.control = -1,
                      .launcher = -1,
                      .launcher_end = -1,
                      .memfd = -1,
                      .journal = -1,
                      .sync = true,
                      .sidecar = "test/sidecar",
                      .segment_bytes = 8u << 20,
                      .reserve_bytes = 1u << 20};
    (void)snprintf(r->dir, sizeof(r->dir), "/tmp/tipstaff-rec-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    (void)snprintf(r->log, sizeof(r->log), "%s/log", r->dir);
    (void)snprintf(r->state, sizeof(r->state), "%s/state", r->dir);
    (void)snprintf(r->socket, sizeof(r->socket), "%s/log.sock", r->dir);
    assert_int_equal(mkdir(r->log, 0700), 0);
    assert_int_equal(mkdir(r->state, 0700), 0);
}

/* In the child: descriptors 3..9 become what fds.h says, the rest is closed. */
static _Noreturn void become_recorder(const int *fds, size_t count)
{
    int high[16];

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (size_t i = 0; i < count; i++)
        high[i] = fcntl(fds[i], F_DUPFD, 100);
    for (size_t i = 0; i < count; i++)
        if (dup2(high[i], FD_CONTROL + (int)i) < 0)
            _exit(99);
    (void)close_range(FD_CONTROL + (unsigned)count, ~0u, 0);
    (void)execl(RECORDER_PATH, "tipstaff-recorder", (char *)NULL);
    _exit(98);
}

static int tail_listener(const struct rig *r)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(a.sun_path, r->socket, strlen(r->socket) + 1);
    (void)unlink(r->socket);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 16), 0);
    return fd;
}

static void spawn(struct rig *r)
{
    int control[2], launcher[2], wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int log = open(r->log, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int state = open(r->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int tail = tail_listener(r);

    assert_true(log >= 0 && state >= 0);
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, launcher), 0);
    if (r->memfd < 0)
        assert_int_equal(ring_create(&r->memfd), TS_OK);
    r->pid = fork();
    if (r->pid == 0) {
        const int fds[] = {control[1],
                           r->memfd,
                           wake,
                           log,
                           state,
                           tail,
                           r->launcher_end >= 0 ? r->launcher_end
                                                : launcher[1]};

        become_recorder(fds, sizeof(fds) / sizeof(fds[0]));
    }
    assert_true(r->pid > 0);
    (void)close(control[1]);
    (void)close(launcher[1]);
    (void)close(log);
    (void)close(state);
    (void)close(tail);
    r->control = control[0];
    r->launcher = launcher[0];
    r->ring = (struct ring_writer){.wake_fd = wake};
}

static void send_start(struct rig *r)
{
    struct control_message m = {
        .type = CONTROL_START, .bundle_fd = -1, .journal_fd = -1};
    struct control_start *s = &m.as.start;

    s->generation = 1;
    s->boot_id = 0x1234;
    s->launchers = 1;
    s->sidecar_id = ts_str_of(r->sidecar);
    s->audience_count = 1;
    s->audiences[0] = TS_STR_LIT("test/sidecar");
    s->durability_sync = r->sync;
    s->admin_uid_count = 1;
    s->admin_uids[0] = (uint32_t)getuid();
    if (r->operator_of != NULL) {
        s->admin_uids[0]++;
        s->tenant_operator_count = 1;
        s->tenant_operators[0] = (struct control_operator){
            .tenant = ts_str_of(r->operator_of), .uid = (uint32_t)getuid()};
    }
    s->init_state = r->init_state;
    s->segment_bytes = r->segment_bytes;
    s->reserve_bytes = r->reserve_bytes;
    assert_int_equal(control_send(r->control, &m), TS_OK);
}

void rig_start(struct rig *r)
{
    static uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;

    spawn(r);
    send_start(r);
    assert_int_equal(control_receive(r->control, buf, &m), TS_OK);
    assert_int_equal(m.type, CONTROL_READY);
    assert_true(m.bundle_fd >= 0);
    r->journal = m.bundle_fd;
    /* A gate comes when the recorder is ready. */
    assert_int_equal(ring_writer_open(r->memfd, r->ring.wake_fd, &r->ring),
                     TS_OK);
    while (ring_state_read(&r->ring) == RING_STOPPED)
        (void)sched_yield(); /* between READY and its first turn */
}

int rig_start_refused(struct rig *r)
{
    spawn(r);
    send_start(r);
    return rig_wait(r);
}

static void close_ends(struct rig *r)
{
    (void)close(r->control);
    (void)close(r->launcher);
    (void)close(r->journal);
    if (r->ring.shared == NULL)
        (void)close(r->ring.wake_fd);
    ring_writer_done(&r->ring);
    r->control = r->launcher = r->journal = -1;
    if (r->keep_ring)
        return;
    (void)close(r->memfd);
    r->memfd = -1;
}

int rig_wait(struct rig *r)
{
    int status = 0;

    assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
    r->pid = 0;
    close_ends(r);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int rig_drain(struct rig *r)
{
    const struct control_message m = {.type = CONTROL_DRAIN,
                                      .bundle_fd = -1,
                                      .journal_fd = -1,
                                      .as.drain.grace_ms = 5000};

    assert_int_equal(control_send(r->control, &m), TS_OK);
    return rig_wait(r);
}

void rig_kill(struct rig *r)
{
    (void)kill(r->pid, SIGKILL);
    assert_int_equal(rig_wait(r), -SIGKILL);
}

static void empty(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *de;

    while (d != NULL && (de = readdir(d)) != NULL)
        if (de->d_name[0] != '.')
            (void)unlinkat(dirfd(d), de->d_name, 0);
    if (d != NULL)
        (void)closedir(d);
}

void rig_done(struct rig *r)
{
    if (r->pid > 0) {
        (void)kill(r->pid, SIGKILL);
        (void)waitpid(r->pid, NULL, 0);
        close_ends(r);
    }
    if (r->memfd >= 0)
        (void)close(r->memfd);
    if (r->mount_options != NULL)
        (void)umount2(r->log, MNT_DETACH);
    empty(r->log);
    empty(r->state);
    (void)rmdir(r->log);
    (void)rmdir(r->state);
    empty(r->dir);
    (void)rmdir(r->dir);
}

void rig_id(uint8_t id[16], uint32_t n)
{
    memset(id, 0xd0, 16);
    for (size_t i = 0; i < 4; i++)
        id[i] = (uint8_t)(n >> 8 * i);
}

static void pair(struct mp_writer *w, const char *key, const char *value)
{
    mp_write_cstr(w, key);
    mp_write_cstr(w, value);
}

size_t rig_decision(uint8_t *out, size_t cap, uint32_t n, const char *effect,
                    uint64_t order, size_t padding)
{
    static char pad[TS_RECORD_MAX];
    uint8_t id[16], digest[32];
    struct mp_writer w;
    size_t len;

    memset(pad, 'p', sizeof(pad));
    rig_id(id, n);
    (void)crypto_generichash(digest, 32, args, sizeof(args), NULL, 0);
    mp_writer_init(&w, out, cap);
    mp_write_map(&w, order != 0 ? 11 : 10);
    pair(&w, "kind", "decision");
    mp_write_cstr(&w, "id");
    mp_write_bin(&w, id, 16);
    pair(&w, "tenant", n % 2 == 0 ? "acme" : "beta");
    pair(&w, "user", "alice");
    pair(&w, "agent", n % 3 == 0 ? "planner" : "coder");
    pair(&w, "tool", "fs.read");
    mp_write_cstr(&w, "args_digest");
    mp_write_bin(&w, digest, 32);
    pair(&w, "effect", effect);
    pair(&w, "code", strcmp(effect, "permit") == 0 ? "permitted" : "denied");
    mp_write_cstr(&w, "pad");
    mp_write_str(&w, pad, padding);
    if (order != 0) {
        mp_write_cstr(&w, "order");
        mp_write_uint(&w, order);
    }
    assert_int_equal(mp_written(&w, &len), TS_OK);
    return len;
}

size_t rig_order(uint8_t *out, size_t cap, uint32_t n)
{
    struct order o = {.order_id = n + 1,
                      .generation = 1,
                      .tool = TS_STR_LIT("fs.read"),
                      .args = {.ptr = args, .len = sizeof(args)},
                      .path = TS_STR_LIT(""),
                      .access = ACCESS_NONE,
                      .wall_ms = 1000,
                      .output_max = 1000};
    size_t len;

    rig_id(o.decision_id, n);
    assert_int_equal(order_encode(&o, out, cap, &len), TS_OK);
    return len;
}

void rig_raw(struct rig *r, enum ring_kind kind, const void *body, size_t len)
{
    uint8_t *at;

    while (ring_reserve(&r->ring, len, &at) == TS_E_AGAIN) {
        ring_wake(&r->ring);
        (void)sched_yield();
    }
    memcpy(at, body, len);
    ring_commit(&r->ring, (uint32_t)kind, len);
}

void rig_denial(struct rig *r, uint32_t n, size_t padding)
{
    static uint8_t buf[TS_RECORD_MAX];

    rig_raw(r, RING_RECORD, buf,
            rig_decision(buf, sizeof(buf), n, "forbid", 0, padding));
}

void rig_launch(struct rig *r, uint32_t n)
{
    uint8_t record[1024], order[512], body[2048];
    struct ring_launch l = {
        .launcher = 0,
        .record = {.ptr = record,
                   .len = rig_decision(record, sizeof(record), n, "permit",
                                       n + 1, 10)},
        .order = {.ptr = order, .len = rig_order(order, sizeof(order), n)}};
    size_t len;

    assert_int_equal(ring_launch_encode(&l, body, sizeof(body), &len), TS_OK);
    rig_raw(r, RING_LAUNCH, body, len);
    ring_wake(&r->ring);
}

void rig_outcome(struct rig *r, uint32_t n, const char *reason)
{
    uint8_t buf[512], id[16];
    struct mp_writer w;
    size_t len;

    rig_id(id, n);
    mp_writer_init(&w, buf, sizeof(buf));
    mp_write_map(&w, 5);
    pair(&w, "kind", "exec_ended");
    mp_write_cstr(&w, "id");
    mp_write_bin(&w, id, 16);
    pair(&w, "tenant", n % 2 == 0 ? "acme" : "beta");
    pair(&w, "reason", reason);
    pair(&w, "code", "permitted");
    assert_int_equal(mp_written(&w, &len), TS_OK);
    rig_raw(r, RING_RECORD, buf, len);
}

void rig_revocation(struct rig *r, const char *payload)
{
    struct ring_journal j = {
        .type = JOURNAL_REVOCATION,
        .tenant = TS_STR_LIT("acme"),
        .keep_until = UINT64_MAX,
        .payload = {.ptr = (const uint8_t *)payload, .len = strlen(payload)}};
    uint8_t body[512];
    size_t len;

    (void)crypto_generichash(j.key, sizeof(j.key), j.payload.ptr, j.payload.len,
                             NULL, 0);
    assert_int_equal(ring_journal_encode(&j, body, sizeof(body), &len), TS_OK);
    rig_raw(r, RING_JOURNAL, body, len);
}

void rig_revoke(struct rig *r, const char *tenant, const char *agent,
                uint64_t cutoff, uint64_t keep_until)
{
    static uint64_t rev_seq;
    uint8_t payload[REVOCATION_PAYLOAD_MAX], body[2048];
    const struct revocation_entry e = {
        .rev_seq = ++rev_seq,
        .kind = REVOCATION_AGENT,
        .tenant = ts_str_of(tenant),
        .target = {.ptr = (const uint8_t *)agent, .len = strlen(agent)},
        .cutoff = cutoff,
        .unix_ms = UINT64_C(1763769600000),
        .reason = TS_STR_LIT("lost\033[31m")};
    struct ring_journal j = {.type = JOURNAL_REVOCATION,
                             .tenant = e.tenant,
                             .keep_until = keep_until,
                             .payload.ptr = payload};
    size_t len;

    (void)crypto_generichash(j.key, sizeof(j.key), e.target.ptr, e.target.len,
                             NULL, 0);
    assert_int_equal(
        revocation_entry_encode(&e, payload, sizeof(payload), &j.payload.len),
        TS_OK);
    assert_int_equal(ring_journal_encode(&j, body, sizeof(body), &len), TS_OK);
    rig_raw(r, RING_JOURNAL, body, len);
}

void rig_barrier(struct rig *r, uint64_t id)
{
    const struct order_barrier b = {.id = id};
    uint8_t body[64];
    size_t len;

    assert_int_equal(order_barrier_encode(&b, body, sizeof(body), &len), TS_OK);
    rig_raw(r, RING_BARRIER, body, len);
    ring_wake(&r->ring);
}

void rig_kill_order(struct rig *r, uint32_t n)
{
    const struct ring_kill k = {
        .launcher = 0, .kill = {.order_id = n + 1, .reason = END_REVOKED}};
    uint8_t body[64];
    size_t len;

    assert_int_equal(ring_kill_encode(&k, body, sizeof(body), &len), TS_OK);
    rig_raw(r, RING_KILL, body, len);
    ring_wake(&r->ring);
}

static uint64_t id_of(enum hop_type type, const uint8_t *body, size_t len)
{
    struct order_barrier b = {0};
    struct order_kill k = {0};
    struct order_void v = {0};
    struct order o = {0};
    const char *what = NULL;
    ts_err e = TS_E_FORMAT;

    if (type == HOP_ORDER)
        e = order_decode(body, len, &o, &what);
    else if (type == HOP_KILL)
        e = order_kill_decode(body, len, &k, &what);
    else if (type == HOP_VOID)
        e = order_void_decode(body, len, &v, &what);
    else if (type == HOP_BARRIER)
        e = order_barrier_decode(body, len, &b, &what);
    assert_int_equal(e, TS_OK);
    return o.order_id + k.order_id + v.order_id + b.id;
}

enum hop_type rig_hop(struct rig *r, uint64_t *ret_order)
{
    struct pollfd f = {.fd = r->launcher, .events = POLLIN};
    uint8_t buf[4096];
    ssize_t n;

    assert_int_equal(poll(&f, 1, HOP_WAIT_MS), 1);
    n = recv(r->launcher, buf, sizeof(buf), 0);
    assert_true(n > 1);
    *ret_order = id_of((enum hop_type)buf[0], buf + 1, (size_t)n - 1);
    return (enum hop_type)buf[0];
}

size_t rig_journal_count(struct rig *r)
{
    static uint8_t buf[65536];
    ssize_t n = pread(r->journal, buf, sizeof(buf), 0);
    struct mp_reader m;

    assert_true(n > 0);
    mp_reader_init(&m, buf, (size_t)n);
    mp_read_tuple(&m, 2);
    assert_int_equal(mp_read_uint(&m, 9), 1);
    return mp_read_array(&m, UINT32_MAX);
}

bool rig_no_hop(struct rig *r)
{
    struct pollfd f = {.fd = r->launcher, .events = POLLIN};

    return poll(&f, 1, 0) == 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

const char *rig_log(struct rig *r)
{
    static char text[LOG_CAP + 1], names[4096][64];
    size_t count = 0, len = 0;
    DIR *d = opendir(r->log);
    const struct dirent *de;

    assert_non_null(d);
    while ((de = readdir(d)) != NULL && count < 4096)
        if (strncmp(de->d_name, "log-", 4) == 0)
            (void)snprintf(names[count++], 64, "%.63s", de->d_name);
    qsort(names, count, 64, by_name);
    for (size_t i = 0; i < count; i++) {
        int fd = openat(dirfd(d), names[i], O_RDONLY | O_CLOEXEC);
        ssize_t n;

        while ((n = read(fd, text + len, LOG_CAP - len)) > 0)
            len += (size_t)n;
        (void)close(fd);
    }
    (void)closedir(d);
    assert_true(count < 4096 && len < LOG_CAP); /* all of it */
    text[len] = '\0';
    return text;
}

size_t rig_count(struct rig *r, const char *text)
{
    const char *p = rig_log(r);
    size_t n = 0;

    while ((p = strstr(p, text)) != NULL) {
        p += strlen(text);
        n++;
    }
    return n;
}

void rig_settle(struct rig *r)
{
    while (!ring_is_drained(&r->ring)) {
        ring_wake(&r->ring);
        (void)sched_yield();
    }
}

/* Runs a program; its stdout to out. */
static int run(char *out, size_t cap, const char *const *words)
{
    union {
        const char *const *in;
        char *const *exec; /* execv does not write */
    } argv = {.in = words};
    int p[2], status = 0;
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0) {
        (void)dup2(p[1], STDOUT_FILENO);
        (void)execv(words[0], argv.exec);
        _exit(97);
    }
    (void)close(p[1]);
    while ((n = read(p[0], out + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    out[len] = '\0';
    (void)close(p[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void rig_verify(struct rig *r, bool ok)
{
    const char *ours[] = {TIPSTAFF_PATH, "log", "verify", r->log, NULL};
    const char *theirs[] = {"/usr/bin/python3", ORACLE_PATH, r->log, NULL};
    static char a[8192], b[8192];

    if (run(a, sizeof(a), ours) != (ok ? 0 : 1))
        fail_msg("tipstaff log verify: %s", a);
    if (run(b, sizeof(b), theirs) != (ok ? 0 : 1))
        fail_msg("verify_log.py: %s", b);
    if (ok)
        assert_string_equal(a, b);
}

int rig_cli(char *out, size_t cap, const char *const *words)
{
    const char *argv[16] = {TIPSTAFF_PATH};

    for (size_t i = 0; i < 14 && words[i] != NULL; i++)
        argv[i + 1] = words[i];
    return run(out, cap, argv);
}
