#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/bundle.h"
#include "sidecar/common/control.h"
#include "sidecar/common/fds.h"

/* Processes count per user: tests that run at the same time share none. */
#define USERS_FROM  (1u << 20) /* and a pid: whom the launcher runs as */
#define RANGES_FROM (1u << 24)
#define WAIT_MS     20000
#define GENERATION  1
#define FILES_SIDE  1 /* index of its launcher */

/* DIR is replaced by the box's folder. */
static const char *const tools[][2] = {
    {"tools/asfd.yaml",
     "tool: asfd\nexec: /proc/self/exe\nargv: [probe, '{what}']\n"
     "args: {what: {type: string, required: true}}\n"},
    {"tools/atfd.yaml",
     "tool: atfd\nexec: DIR/probe\nargv: [probe, '{what}']\n"
     "args: {what: {type: string, required: true}}\ncwd: /proc/self/fd/8\n"},
    {"tools/atroot.yaml",
     "tool: atroot\nexec: DIR/probe\nargv: [probe, '{what}']\n"
     "args: {what: {type: string, required: true}}\ncwd: /proc/self/root\n"},
    {"tools/build.yaml",
     "tool: build\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "seccomp: build\nwrite_paths: [DIR/space]\n"},
    {"tools/crowd.yaml",
     "tool: crowd\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "limits: {processes: 128, wall_ms: 30000}\n"},
    {"tools/dir.yaml",
     "tool: dir\nexec: DIR/probe\nargv: [probe, '{what}', '{path}']\n"
     "args: {what: {type: string, required: true},"
     " path: {type: path, required: true}}\n"
     "resource: {type: Dir, arg: path, root: DIR/space, access: write}\n"},
    {"tools/file.yaml",
     "tool: file\nexec: DIR/probe\nargv: [probe, '{what}', '{path}']\n"
     "args: {what: {type: string, required: true},"
     " path: {type: path, required: true}}\n"
     "resource: {type: File, arg: path, root: DIR/space, access: write}\n"},
    {"tools/first.yaml",
     "tool: first\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "sandbox: full\ninit: false\nlimits: {processes: 24}\n"},
    {"tools/inside.yaml",
     "tool: inside\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "read_paths: [DIR/space]\ncwd: DIR/space/sub\n"},
    {"tools/interp.yaml",
     "tool: interp\nexec: DIR/script\nargv: [script, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"},
    {"tools/known.yaml",
     "tool: known\nexec: DIR/script\nargv: [script, '{what}']\n"
     "args: {what: {type: string, required: true}}\n"
     "digest: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
     "\n"},
    {"tools/needs.yaml",
     "tool: needs\nexec: DIR/probe\nargv: [probe, '{what}']\n"
     "args: {what: {type: string, required: true}}\nrequire: [cgroup]\n"},
    {"tools/plain.yaml",
     "tool: plain\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "stdin: true\nlimits: {processes: 24, memory_mb: 64, wall_ms: 15000}\n"},
    {"tools/proxied.yaml", /* only where there is a broker */
     "tool: proxied\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "seccomp: net\nnetwork: {mode: proxy, allow: ['a.example:443']}\n"},
    {"tools/pure.yaml",
     "tool: pure\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "seccomp: pure\n"},
    {"tools/scratch.yaml",
     "tool: scratch\nexec: DIR/probe\nargv: [probe, '{what}']\n"
     "args: {what: {type: string, required: true}}\nscratch: DIR/scratch\n"},
    {"tools/speaks.yaml",
     "tool: speaks\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "scratch: DIR/scratch\nidentity_token: {audience: b.example}\n"},
    {"tools/speaks_pure.yaml",
     "tool: speaks_pure\nexec: DIR/probe\nargv: [probe, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"
     "seccomp: pure\nidentity_token: {audience: b.example}\n"},
    {"tools/swapped.yaml",
     "tool: swapped\nexec: DIR/swapped\nargv: [swapped, '{what}', '{arg}']\n"
     "args: {what: {type: string, required: true}, arg: {type: string}}\n"},
};
#define TOOL_COUNT (sizeof(tools) / sizeof(tools[0]))

const struct box_groups *box_groups;

void box_path(const struct box *b, const char *name, char *out, size_t cap)
{
    int n = snprintf(out, cap, "%s/%s", b->dir, name);

    assert_true(n > 0 && (size_t)n < cap);
}

uid_t box_user(void)
{
    return USERS_FROM + (uid_t)getpid();
}

static void put_file(const struct box *b, const char *name, const char *text,
                     mode_t mode)
{
    char path[256];
    int fd;

    box_path(b, name, path, sizeof(path));
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    (void)close(fd);
}

static void copy_program(const struct box *b, const char *from, const char *to)
{
    static char buf[65536];
    char path[256];
    int in = open(from, O_RDONLY | O_CLOEXEC), out;
    ssize_t n;

    box_path(b, to, path, sizeof(path));
    out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
    assert_true(in >= 0 && out >= 0);
    while ((n = read(in, buf, sizeof(buf))) > 0)
        assert_int_equal(write(out, buf, (size_t)n), n);
    assert_int_equal(fchmod(out, 0755), 0);
    (void)close(in);
    (void)close(out);
}

static void own_folder(const struct box *b, const char *name)
{
    char path[256];

    box_path(b, name, path, sizeof(path));
    assert_int_equal(mkdir(path, 0755), 0);
    if (getuid() != 0)
        return;
    assert_int_equal(chown(path, b->user, b->user), 0);
    /* tools are other users of that group where they have one each */
    assert_int_equal(chmod(path, 0775), 0);
}

/* Beside the launcher. */
static void put_canary(const struct box *b, const struct box_parts *parts)
{
    char text[512];

    if (parts->canary_script != NULL) {
        (void)snprintf(text, sizeof(text), "#!/bin/sh\n%s\n",
                       parts->canary_script);
        put_file(b, "tipstaff-canary", text, 0755);
    } else if (parts->canary == NULL || parts->canary[0] != '\0') {
        copy_program(b, parts->canary != NULL ? parts->canary : CANARY_PROGRAM,
                     "tipstaff-canary");
    }
}

static void make_world(struct box *b, const struct box_parts *parts)
{
    char path[256], script[256];

    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/tipstaff-box-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    assert_int_equal(chmod(b->dir, 0755), 0);
    own_folder(b, "space");
    own_folder(b, "space/sub");
    own_folder(b, "scratch");
    copy_program(b,
                 parts->launcher != NULL ? parts->launcher : LAUNCHER_PROGRAM,
                 "launcher");
    put_canary(b, parts);
    copy_program(b, PROBE_PROGRAM, "probe");
    copy_program(b, PROBE_PROGRAM, "swapped");
    put_file(b, "secret.txt", "secret\n", 0644);
    put_file(b, "space/in.txt", "in\n", 0666);
    (void)snprintf(script, sizeof(script), "#!%s/probe\n", b->dir);
    put_file(b, "script", script, 0755);
    box_path(b, "space/link", path, sizeof(path));
    assert_int_equal(symlink("../secret.txt", path), 0);
    box_path(b, "space/up", path, sizeof(path));
    assert_int_equal(symlink("..", path), 0);
}

/* The text of tool i with DIR filled in. */
static struct ts_str manifest_text(const struct box *b, size_t i, char *out,
                                   size_t cap)
{
    size_t at = 0;

    for (const char *p = tools[i][1]; *p != '\0';) {
        if (strncmp(p, "DIR", 3) == 0) {
            at += (size_t)snprintf(out + at, cap - at, "%s", b->dir);
            p += 3;
        } else {
            out[at++] = *p++;
        }
        assert_true(at < cap);
    }
    return (struct ts_str){out, at};
}

int box_bundle(const struct box *b)
{
    static char text[TOOL_COUNT][1024];
    struct bundle_file files[TOOL_COUNT];
    size_t n = 0;
    int fd = -1;

    for (size_t i = 0; i < TOOL_COUNT; i++) {
        if (!b->has_broker && strcmp(tools[i][0], "tools/proxied.yaml") == 0)
            continue;
        files[n].name = ts_str_of(tools[i][0]);
        files[n++].content = manifest_text(b, i, text[i], sizeof(text[i]));
    }
    assert_int_equal(bundle_write(files, n, &fd), TS_OK);
    return fd;
}

/* As sidecar/supervisor/spawn.c does it. */
static bool become_user(uid_t user, bool has_caps, bool has_broker)
{
    /* the last is for networks with loopback alone */
    static const int caps[] = {CAP_SETUID,    CAP_SETGID,     CAP_KILL,
                               CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_DAC_OVERRIDE,
                               CAP_FOWNER,    CAP_NET_ADMIN};
    size_t count = sizeof(caps) / sizeof(caps[0]) - (has_broker ? 0 : 1);
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};

    if (setgroups(0, NULL) != 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ||
        setgid(user) != 0 || setuid(user) != 0)
        return false;
    for (size_t i = 0; has_caps && i < count; i++)
        d[0].permitted |= 1u << caps[i];
    d[0].effective = d[0].inheritable = d[0].permitted;
    if (syscall(SYS_capset, &h, d) != 0)
        return false;
    for (size_t i = 0; has_caps && i < count; i++) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, caps[i], 0, 0) != 0)
            return false;
    }
    return true;
}

static void run_launcher(const struct box *b, const int theirs[3], int broker)
{
    char path[256];
    int null = open("/dev/null", O_RDWR);
    int groups =
        box_groups == NULL ? -1 : fcntl(box_groups->folder_fd, F_DUPFD, 70);

    if (broker >= 0 && dup2(broker, 63) < 0)
        _exit(118);
    for (int i = 0; i < 3; i++) /* out of the way of 3 to 5 */
        if (dup2(theirs[i], 60 + i) < 0)
            _exit(120);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
        _exit(121);
    for (int i = 0; i < 3; i++)
        if (dup2(60 + i, 3 + i) < 0)
            _exit(122);
    for (int fd = LAUNCHER_FD_BROKER; fd <= LAUNCHER_FD_LAST; fd++)
        if (dup2(null, fd) < 0)
            _exit(126);
    if (broker >= 0 && dup2(63, LAUNCHER_FD_BROKER) < 0)
        _exit(117);
    if (groups >= 0 && dup2(groups, LAUNCHER_FD_CGROUP) < 0)
        _exit(127);
    if (close_range(LAUNCHER_FD_LAST + 1, ~0u, 0) != 0)
        _exit(123);
    if (b->prepare != NULL && !b->prepare(b->prepare_arg))
        _exit(119);
    if (getuid() == 0 && !become_user(b->user, b->has_caps, b->has_broker))
        _exit(124);
    (void)snprintf(path, sizeof(path), "%s/launcher", b->dir);
    (void)setenv("SBX_SECRET", "not for tools", 1);
    (void)execl(path, "tipstaff-launcher", (char *)NULL);
    _exit(125);
}

static void pair(int *ours, int *theirs)
{
    int p[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p),
                     0);
    *ours = p[0];
    *theirs = p[1];
}

static void start_side(const struct box *b, uint32_t index,
                       struct box_side *ret)
{
    struct control_message m = {
        .type = CONTROL_START, .bundle_fd = -1, .journal_fd = -1};
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct box_side s = {.broker = -1};
    int theirs[3], their_broker = -1;

    if (b->has_broker)
        pair(&s.broker, &their_broker);
    pair(&s.control, &theirs[0]);
    pair(&s.orders, &theirs[1]);
    pair(&s.gate, &theirs[2]);
    s.pid = fork();
    assert_true(s.pid >= 0);
    if (s.pid == 0)
        run_launcher(b, theirs, their_broker);
    if (box_groups != NULL) /* before it can read START */
        box_groups->adopt(s.pid);
    for (int i = 0; i < 3; i++)
        (void)close(theirs[i]);
    ts_fd_close(&their_broker);
    m.bundle_fd = box_bundle(b);
    m.as.start =
        (struct control_start){.generation = b->generation,
                               .boot_id = 1,
                               .launchers = BOX_SIDES,
                               .launcher_index = index,
                               .sidecar_id = TS_STR_LIT("test"),
                               .audience_count = 1,
                               .audiences = {TS_STR_LIT("test")},
                               .durability_sync = true,
                               .has_token_key = true,
                               .has_broker = b->has_broker,
                               .sandbox = {.most = b->most,
                                           .cgroups = box_groups != NULL,
                                           .uid_first = b->uid_first,
                                           .uid_count = BOX_UID_COUNT}};
    assert_int_equal(control_send(s.control, &m), TS_OK);
    (void)close(m.bundle_fd);
    s.failed =
        control_receive(s.control, buf, &m) != TS_OK || m.type != CONTROL_READY;
    if (s.failed && b->may_fail) {
        *ret = s;
        return;
    }
    if (m.type == CONTROL_REJECTED)
        fail_msg("%.*s", (int)m.as.text.text.len, m.as.text.text.ptr);
    assert_false(s.failed);
    *ret = s;
}

/* It has no channel, no process, and a folder that box_close() removes. */
static void end_failed(struct box *b, struct box_side *s)
{
    ts_fd_close(&s->control);
    ts_fd_close(&s->orders);
    ts_fd_close(&s->gate);
    assert_int_equal(waitpid(s->pid, &b->wait_status, 0), s->pid);
    s->pid = 0;
}

void box_open_with(struct box *b, enum box_level most, bool has_caps,
                   const struct box_parts *parts)
{
    struct box_side s;

    memset(b, 0, sizeof(*b));
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    b->generation = GENERATION;
    b->most = most;
    b->has_caps = has_caps;
    b->has_broker = parts->has_broker;
    b->may_fail = parts->may_fail;
    b->prepare = parts->prepare;
    b->prepare_arg = parts->prepare_arg;
    b->user = box_user();
    b->uid_first = RANGES_FROM + (uid_t)getpid() * BOX_UID_COUNT;
    make_world(b, parts);
    start_side(b, FILES_SIDE, &s);
    ts_fd_close(&s.broker); /* no tool of its has a network */
    if (s.failed)
        end_failed(b, &s);
    b->pid = s.pid;
    b->control = s.control;
    b->orders = s.orders;
    b->gate = s.gate;
}

void box_open_at(struct box *b, enum box_level most, bool has_caps)
{
    const struct box_parts usual = {.launcher = NULL};

    box_open_with(b, most, has_caps, &usual);
}

void box_open(struct box *b)
{
    box_open_at(b, BOX_BARE, false);
}

/* Of the profile that the tool's manifest names; "files" if none. */
static uint32_t side_of(const char *tool)
{
    static const char *const names[BOX_SIDES] = {"pure", "files", "build",
                                                 "net", "jit"};
    char head[64], line[64];

    (void)snprintf(head, sizeof(head), "tool: %s\n", tool);
    for (size_t i = 0; i < TOOL_COUNT; i++) {
        if (strncmp(tools[i][1], head, strlen(head)) != 0)
            continue;
        for (uint32_t k = 0; k < BOX_SIDES; k++) {
            (void)snprintf(line, sizeof(line), "seccomp: %s\n", names[k]);
            if (strstr(tools[i][1], line) != NULL)
                return k;
        }
    }
    return FILES_SIDE;
}

/* Order ids tell whose they are, so that answers are looked for there. */
static struct box_side *side_at(struct box *b, uint32_t index)
{
    if (b->side[index].pid == 0)
        start_side(b, index, &b->side[index]);
    return &b->side[index];
}

struct box_side box_side_of(struct box *b, const char *tool)
{
    uint32_t k = side_of(tool);

    if (k != FILES_SIDE)
        return *side_at(b, k);
    return (struct box_side){.pid = b->pid,
                             .control = b->control,
                             .orders = b->orders,
                             .gate = b->gate,
                             .broker = -1};
}

static int orders_of(struct box *b, uint64_t id)
{
    uint32_t k = (uint32_t)(id >> 32);

    return k == 0 || k - 1 == FILES_SIDE ? b->orders
                                         : side_at(b, k - 1)->orders;
}

static int gate_of(const struct box *b, uint64_t id)
{
    uint32_t k = (uint32_t)(id >> 32);

    return k == 0 || k - 1 == FILES_SIDE ? b->gate : b->side[k - 1].gate;
}

static void remove_world(const struct box *b)
{
    char *const argv[] = {(char[]){"rm"}, (char[]){"-rf"},
                          (char *)(uintptr_t)b->dir, NULL};
    pid_t pid = fork();

    if (pid == 0) {
        (void)execv("/bin/rm", argv);
        _exit(1);
    }
    (void)waitpid(pid, NULL, 0);
}

void box_close(struct box *b)
{
    if (b->pid > 0) {
        (void)close(b->orders);  /* the recorder hangs up: it must end */
        (void)close(b->control); /* and need not wait for a DRAIN */
        assert_int_equal(waitpid(b->pid, &b->wait_status, 0), b->pid);
        (void)close(b->gate);
    }
    for (int i = 0; i < BOX_SIDES; i++) {
        struct box_side *s = &b->side[i];

        if (s->pid == 0)
            continue;
        (void)close(s->orders);
        (void)close(s->control);
        assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
        (void)close(s->gate);
        ts_fd_close(&s->broker);
        s->pid = 0;
    }
    remove_world(b);
    b->pid = 0;
}

static void put_args(struct mp_writer *w, const struct call *c)
{
    uint32_t n = 1u + (c->arg != NULL ? 1u : 0u) + (c->path != NULL ? 1u : 0u);

    mp_write_map(w, n);
    mp_write_cstr(w, "what");
    mp_write_cstr(w, c->what);
    if (c->arg != NULL) {
        mp_write_cstr(w, "arg");
        mp_write_cstr(w, c->arg);
    }
    if (c->path != NULL) {
        mp_write_cstr(w, "path");
        mp_write_cstr(w, c->path);
    }
}

const uint8_t *box_encode(struct box *b, const struct call *c, size_t *ret_len,
                          int *ret_orders)
{
    static uint8_t buf[TS_ORDER_MAX];
    uint8_t args[8192];
    struct mp_writer w;
    uint32_t side = side_of(c->tool);
    struct order o = {.generation = b->generation};
    size_t args_len = 0, len = 0;

    mp_writer_init(&w, args, sizeof(args));
    put_args(&w, c);
    assert_int_equal(mp_written(&w, &args_len), TS_OK);
    o.order_id = (b->last_id & UINT32_MAX) + 1;
    if (side != FILES_SIDE)
        o.order_id |= (uint64_t)(side + 1) << 32;
    b->last_id = o.order_id;
    o.box = c->box;
    o.require = c->require;
    o.tool = ts_str_of(c->tool);
    o.args = (struct ts_bytes){args, args_len};
    o.path = ts_str_of(c->path);
    o.access = c->access;
    o.wall_ms = c->wall_ms != 0 ? c->wall_ms : 15000;
    o.output_max = 1 << 20;
    o.has_stdin = c->has_stdin;
    o.token = ts_str_of(c->token);
    buf[0] = HOP_ORDER;
    assert_int_equal(order_encode(&o, buf + 1, sizeof(buf) - 1, &len), TS_OK);
    *ret_len = len + 1;
    *ret_orders = orders_of(b, o.order_id);
    return buf;
}

uint64_t box_send(struct box *b, const struct call *c)
{
    size_t len = 0;
    int orders = -1;
    const uint8_t *buf = box_encode(b, c, &len, &orders);

    assert_int_equal(send(orders, buf, len, MSG_NOSIGNAL), (ssize_t)len);
    return b->last_id;
}

void box_kill(struct box *b, uint64_t id, enum end_reason why)
{
    const struct order_kill k = {.order_id = id, .reason = why};
    uint8_t buf[64] = {HOP_KILL};
    size_t len = 0;

    assert_int_equal(order_kill_encode(&k, buf + 1, 63, &len), TS_OK);
    assert_int_equal(send(orders_of(b, id), buf, len + 1, MSG_NOSIGNAL),
                     (ssize_t)len + 1);
}

static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
}

/* One message for the gate, with its descriptors if it has some. */
static size_t receive_any(const struct box *b, uint64_t id, uint8_t *buf,
                          size_t cap, int fds[3])
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))];
    struct iovec iov = {buf, cap};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    struct cmsghdr *c;
    ssize_t n;

    wait_for(gate_of(b, id), POLLIN);
    n = recvmsg(gate_of(b, id), &h, MSG_CMSG_CLOEXEC);
    assert_true(n > 0);
    c = CMSG_FIRSTHDR(&h);
    if (c != NULL && c->cmsg_len == CMSG_LEN(3 * sizeof(int)))
        memcpy(fds, CMSG_DATA(c), 3 * sizeof(int));
    return (size_t)n;
}

/* The next one about an order. */
static size_t receive(const struct box *b, uint64_t id, uint8_t *buf,
                      size_t cap, int fds[3])
{
    size_t n;

    do {
        n = receive_any(b, id, buf, cap, fds);
    } while (buf[0] == HOP_UNSERVED);
    return n;
}

void box_wait_start(struct box *b, uint64_t id, struct outcome *ret)
{
    struct order_refused r;
    uint8_t buf[4096];
    int fds[3] = {-1, -1, -1};
    const char *what = "";
    size_t n = receive(b, id, buf, sizeof(buf), fds);

    memset(ret, 0, sizeof(*ret));
    ret->in_fd = fds[0];
    ret->out_fd = fds[1];
    ret->err_fd = fds[2];
    if (buf[0] == HOP_STARTED) {
        assert_int_equal(
            order_started_decode(buf + 1, n - 1, &ret->on_start, &what), TS_OK);
        assert_int_equal(ret->on_start.order_id, id);
        ret->started = true;
        return;
    }
    assert_int_equal(buf[0], HOP_REFUSED);
    assert_int_equal(order_refused_decode(buf + 1, n - 1, &r, &what), TS_OK);
    assert_int_equal(r.order_id, id);
    ret->code = r.code;
    ret->sys_errno = (int)r.sys_errno;
    (void)snprintf(ret->step, sizeof(ret->step), "%.*s", (int)r.step.len,
                   r.step.ptr);
    (void)snprintf(ret->text, sizeof(ret->text), "%.*s", (int)r.text.len,
                   r.text.ptr);
}

static void read_output(struct outcome *o)
{
    for (;;) {
        size_t room = sizeof(o->out) - 1 - o->out_len;
        char rest[4096];
        ssize_t n;

        wait_for(o->out_fd, POLLIN | POLLHUP);
        n = room > 0 ? read(o->out_fd, o->out + o->out_len, room)
                     : read(o->out_fd, rest, sizeof(rest));
        if (n < 0 && errno == EAGAIN)
            continue;
        if (n <= 0)
            break;
        if (room > 0)
            o->out_len += (size_t)n;
    }
    o->out[o->out_len] = '\0';
}

void box_wait_end(struct box *b, uint64_t id, struct outcome *o)
{
    uint8_t buf[4096];
    int fds[3];
    const char *what = "";
    size_t n;

    if (o->out_fd >= 0)
        read_output(o);
    ts_fd_close(&o->in_fd);
    ts_fd_close(&o->out_fd);
    ts_fd_close(&o->err_fd);
    n = receive(b, id, buf, sizeof(buf), fds);
    assert_int_equal(buf[0], HOP_EXITED);
    assert_int_equal(order_exited_decode(buf + 1, n - 1, &o->exited, &what),
                     TS_OK);
    if (id != 0)
        assert_int_equal(o->exited.order_id, id);
}

void box_wait_ready(struct box *b, uint64_t id, struct outcome *o)
{
    char line[7] = "";
    size_t n = 0;

    while (n < 6) {
        ssize_t got;

        wait_for(o->out_fd, POLLIN | POLLHUP);
        got = read(o->out_fd, line + n, 6 - n);
        if (got == 0) {
            box_wait_end(b, id, o);
            fail_msg("it said \"%s\" and ended: reason %d, code %u, signal %u",
                     line, (int)o->exited.reason, o->exited.exit_code,
                     o->exited.signal);
        }
        n += got > 0 ? (size_t)got : 0;
    }
    assert_string_equal(line, "ready\n");
}

void box_run(struct box *b, const struct call *c, struct outcome *ret)
{
    uint64_t id = box_send(b, c);

    box_wait_start(b, id, ret);
    if (ret->started)
        box_wait_end(b, id, ret);
}

bool outcome_says(const struct outcome *o, const char *text)
{
    size_t n = strlen(text);

    return o->out_len == n + 1 && memcmp(o->out, text, n) == 0 &&
           o->out[n] == '\n';
}

/* By inode: a tool's own root has other names. */
int box_find_probes(const struct box *b, pid_t *pids, int cap)
{
    char path[256];
    const struct dirent *e;
    struct stat want, st;
    DIR *d = opendir("/proc");
    int count = 0;

    assert_non_null(d);
    box_path(b, "probe", path, sizeof(path));
    assert_int_equal(stat(path, &want), 0);
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] < '0' || e->d_name[0] > '9')
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%.16s/exe", e->d_name);
        if (stat(path, &st) != 0 || st.st_ino != want.st_ino ||
            st.st_dev != want.st_dev)
            continue;
        if (count < cap)
            pids[count] = (pid_t)strtol(e->d_name, NULL, 10);
        count++;
    }
    (void)closedir(d);
    return count;
}

int box_count_probes(const struct box *b)
{
    return box_find_probes(b, NULL, 0);
}

int box_count_fds(const struct box *b)
{
    return box_count_fds_of(b->pid);
}

int box_count_fds_of(pid_t pid)
{
    char path[64];
    int n = 0;
    DIR *d;

    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    d = opendir(path);
    if (d == NULL)
        return -1;
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}
