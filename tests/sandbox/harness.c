#include "harness_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/ts_test.h"

#include "proto/base/ts_fd.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/control/control.h"
#include "tests/lib/launcher_rig.h"

/* Processes count per user: tests that run at the same time share none. */
#define USERS_FROM  (1u << 20) /* and a pid: whom the launcher runs as */
#define RANGES_FROM (1u << 24)
#define GENERATION  1

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

static void start_side(const struct box *b, uint32_t index,
                       struct box_side *ret)
{
    char program[256], why[512];
    const struct launcher_rig_want want = {
        .program = program,
        .user = b->user,
        .has_caps = b->has_caps,
        .has_net_admin = b->has_broker,
        .has_broker = b->has_broker,
        .groups_fd = box_groups == NULL ? -1 : box_groups->folder_fd,
        .kept_fd = -1,
        .env_name = "SBX_SECRET",
        .env_value = "not for tools",
        .prepare = b->prepare,
        .prepare_arg = b->prepare_arg};
    const struct control_start start = {
        .generation = b->generation,
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
    struct launcher_rig r;
    bool failed;
    int bundle;

    box_path(b, "launcher", program, sizeof(program));
    assert_true(launcher_rig_spawn(&want, &r));
    if (box_groups != NULL) /* before it can read START */
        box_groups->adopt(r.pid);
    bundle = box_bundle(b);
    failed = !launcher_rig_start(&r, &start, bundle, why, sizeof(why));
    (void)close(bundle);
    if (failed && !b->may_fail)
        fail_msg("the launcher is not ready: %s", why);
    *ret = (struct box_side){.pid = r.pid,
                             .control = r.control,
                             .orders = r.orders,
                             .gate = r.gate,
                             .broker = r.broker,
                             .failed = failed};
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
    start_side(b, BOX_FILES_SIDE, &s);
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

/* Order ids tell whose they are, so that answers are looked for there. */
static struct box_side *side_at(struct box *b, uint32_t index)
{
    if (b->side[index].pid == 0)
        start_side(b, index, &b->side[index]);
    return &b->side[index];
}

struct box_side box_side_of(struct box *b, const char *tool)
{
    uint32_t k = box_side_index(tool);

    if (k != BOX_FILES_SIDE)
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

    return k == 0 || k - 1 == BOX_FILES_SIDE ? b->orders
                                             : side_at(b, k - 1)->orders;
}

int box_gate_of(const struct box *b, uint64_t id)
{
    uint32_t k = (uint32_t)(id >> 32);

    return k == 0 || k - 1 == BOX_FILES_SIDE ? b->gate : b->side[k - 1].gate;
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
    uint32_t side = box_side_index(c->tool);
    struct order o = {.generation = b->generation};
    size_t args_len = 0, len = 0;

    mp_writer_init(&w, args, sizeof(args));
    put_args(&w, c);
    assert_int_equal(mp_written(&w, &args_len), TS_OK);
    o.order_id = (b->last_id & UINT32_MAX) + 1;
    if (side != BOX_FILES_SIDE)
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
    assert_true(launcher_rig_kill(orders_of(b, id), id, why));
}
