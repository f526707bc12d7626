#include "boxes.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "proto/base/ts_fd.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/bundle.h"
#include "sidecar/common/control.h"
#include "sidecar/common/fds.h"

#define UID_FIRST  64400
#define UID_COUNT  321
#define LAUNCHERS  5
#define FILES      1 /* index of the profile */
#define GENERATION 1
#define TOOLS      4

/* DIR is replaced. */
static const char *const tools[TOOLS][2] = {
    {"tools/daemons.yaml",
     "tool: daemons\nexec: DIR/daemons\nargv: [daemons, '100']\n"
     "limits: {processes: 128, wall_ms: 30000}\n"},
    {"tools/file.yaml",
     "tool: file\nexec: DIR/nop\nargv: [nop, '{path}']\n"
     "args: {path: {type: path, required: true}}\n"
     "resource: {type: File, arg: path, root: DIR/space, access: read}\n"},
    {"tools/nop.yaml", "tool: nop\nexec: DIR/nop\nargv: [nop]\n"},
    {"tools/stamp.yaml", "tool: stamp\nexec: DIR/stamp\nargv: [stamp]\n"},
};

static struct ts_str fill_in(const char *text, const char *dir, char *out,
                             size_t cap)
{
    size_t at = 0;

    for (const char *p = text; *p != '\0';) {
        if (strncmp(p, "DIR", 3) == 0) {
            at += (size_t)snprintf(out + at, cap - at, "%s", dir);
            p += 3;
        } else {
            out[at++] = *p++;
        }
        if (at >= cap)
            bench_die("manifest");
    }
    return (struct ts_str){out, at};
}

static int make_bundle(const char *dir)
{
    static char text[TOOLS][1024];
    struct bundle_file files[TOOLS];
    int fd = -1;

    for (size_t i = 0; i < TOOLS; i++) {
        files[i].name = ts_str_of(tools[i][0]);
        files[i].content = fill_in(tools[i][1], dir, text[i], sizeof(text[i]));
    }
    if (bundle_write(files, TOOLS, &fd) != TS_OK)
        bench_die("bundle");
    return fd;
}

/* As sidecar/supervisor/spawn.c does it. */
static bool become_user(bool has_caps)
{
    static const int caps[] = {CAP_SETUID,    CAP_SETGID,     CAP_KILL,
                               CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_DAC_OVERRIDE,
                               CAP_FOWNER};
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct d[2] = {{0, 0, 0}, {0, 0, 0}};

    if (setgroups(0, NULL) != 0 || prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ||
        setgid(BOXES_UID) != 0 || setuid(BOXES_UID) != 0)
        return false;
    for (size_t i = 0; has_caps && i < sizeof(caps) / sizeof(caps[0]); i++)
        d[0].permitted |= 1u << caps[i];
    d[0].effective = d[0].inheritable = d[0].permitted;
    if (syscall(SYS_capset, &h, d) != 0)
        return false;
    for (size_t i = 0; has_caps && i < sizeof(caps) / sizeof(caps[0]); i++) {
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, caps[i], 0, 0) != 0)
            return false;
    }
    return true;
}

static void run_launcher(const struct boxes_want *w, const int theirs[3],
                         int page)
{
    int null = open("/dev/null", O_RDWR);
    char mb[16];

    for (int i = 0; i < 3; i++)
        if (dup2(theirs[i], 60 + i) < 0)
            _exit(120);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
        dup2(page, BENCH_PAGE_FD) < 0)
        _exit(121);
    for (int i = 0; i < 3; i++)
        if (dup2(60 + i, 3 + i) < 0)
            _exit(122);
    for (int fd = LAUNCHER_FD_BROKER; fd <= LAUNCHER_FD_LAST; fd++)
        if (dup2(null, fd) < 0)
            _exit(126);
    if (close_range(LAUNCHER_FD_LAST + 1, BENCH_PAGE_FD - 1, 0) != 0 ||
        close_range(BENCH_PAGE_FD + 1, ~0u, 0) != 0)
        _exit(123);
    if (w->cpu >= 0)
        bench_pin(0, w->cpu);
    (void)setsid(); /* as in a service: the scheduler weighs sessions */
    if (getuid() == 0 && !become_user(w->has_caps))
        _exit(124);
    (void)snprintf(mb, sizeof(mb), "%u", w->ballast_mb);
    if (w->ballast_mb > 0)
        (void)setenv("BENCH_BALLAST_MB", mb, 1);
    (void)execl(w->launcher, "tipstaff-launcher", (char *)NULL);
    _exit(125);
}

static void pair(int *ours, int *theirs)
{
    int p[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) != 0)
        bench_die("socketpair");
    *ours = p[0];
    *theirs = p[1];
}

static void make_page(struct bench_page **ret, int *ret_fd)
{
    int fd = memfd_create("bench-page", MFD_CLOEXEC);
    void *p = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, sizeof(**ret)) == 0)
        p = mmap(NULL, sizeof(**ret), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                 0);
    if (p == MAP_FAILED)
        bench_die("page");
    *ret = p;
    *ret_fd = fd;
}

static void start(const struct boxes *b, const struct boxes_want *w)
{
    struct control_message m = {
        .type = CONTROL_START, .bundle_fd = -1, .journal_fd = -1};
    uint8_t buf[CONTROL_MESSAGE_MAX];

    m.bundle_fd = make_bundle(w->dir);
    m.as.start = (struct control_start){.generation = GENERATION,
                                        .boot_id = 1,
                                        .launchers = LAUNCHERS,
                                        .launcher_index = FILES,
                                        .sidecar_id = TS_STR_LIT("bench"),
                                        .audience_count = 1,
                                        .audiences = {TS_STR_LIT("bench")},
                                        .durability_sync = true,
                                        .sandbox = {.most = w->most,
                                                    .uid_first = UID_FIRST,
                                                    .uid_count = UID_COUNT}};
    if (control_send(b->control, &m) != TS_OK)
        bench_die("START");
    (void)close(m.bundle_fd);
    if (control_receive(b->control, buf, &m) != TS_OK ||
        m.type != CONTROL_READY)
        bench_die("the launcher did not become ready");
}

bool boxes_open(const struct boxes_want *w, struct boxes *ret)
{
    struct boxes b = {.box = w->box};
    struct boxes_started s;
    struct order_exited x;
    int theirs[3], page;
    bool given;

    pair(&b.control, &theirs[0]);
    pair(&b.orders, &theirs[1]);
    pair(&b.gate, &theirs[2]);
    make_page(&b.page, &page);
    b.pid = fork();
    if (b.pid < 0)
        bench_die("fork");
    if (b.pid == 0)
        run_launcher(w, theirs, page);
    for (int i = 0; i < 3; i++)
        (void)close(theirs[i]);
    (void)close(page);
    start(&b, w);
    boxes_order(&b, "nop", NULL);
    given = boxes_started(&b, &s);
    if (given) {
        boxes_close_fds(&s);
        boxes_ended(&b, &x);
        if (s.box != (w->box == BOX_ANY ? w->most : w->box))
            (void)fprintf(stderr, "asked for a box %s, got %s\n",
                          box_level_name(w->box == BOX_ANY ? w->most : w->box),
                          box_level_name(s.box));
        given = w->box == BOX_ANY ? s.box == w->most : s.box == w->box;
    }
    *ret = b;
    if (!given)
        boxes_close(ret);
    return given;
}

void boxes_close(struct boxes *b)
{
    (void)close(b->orders); /* the recorder hangs up: it must end */
    (void)waitpid(b->pid, NULL, 0);
    (void)close(b->control);
    (void)close(b->gate);
    (void)munmap(b->page, sizeof(*b->page));
}

void boxes_order(struct boxes *b, const char *tool, const char *path)
{
    static uint8_t buf[TS_ORDER_MAX];
    uint8_t args[512];
    size_t args_len = 0, len = 0;
    struct mp_writer w;
    struct order o = {.generation = GENERATION,
                      .order_id = ++b->last_id,
                      .tool = ts_str_of(tool),
                      .path = ts_str_of(path),
                      .access = path != NULL ? ACCESS_READ : ACCESS_NONE,
                      .wall_ms = 20000,
                      .output_max = 1 << 20,
                      .box = b->box};

    mp_writer_init(&w, args, sizeof(args));
    mp_write_map(&w, path != NULL ? 1 : 0);
    if (path != NULL) {
        mp_write_cstr(&w, "path");
        mp_write_cstr(&w, path);
    }
    if (mp_written(&w, &args_len) != TS_OK)
        bench_die("arguments");
    o.args = (struct ts_bytes){args, args_len};
    buf[0] = HOP_ORDER;
    if (order_encode(&o, buf + 1, sizeof(buf) - 1, &len) != TS_OK ||
        send(b->orders, buf, len + 1, MSG_NOSIGNAL) != (ssize_t)len + 1)
        bench_die("ORDER");
}

static size_t receive(const struct boxes *b, uint8_t *buf, size_t cap,
                      int fds[3])
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))];
    struct iovec iov = {buf, cap};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(b->gate, &h, MSG_CMSG_CLOEXEC);
    struct cmsghdr *c;

    if (n <= 0)
        bench_die("the launcher ended");
    c = CMSG_FIRSTHDR(&h);
    if (c != NULL && c->cmsg_len == CMSG_LEN(3 * sizeof(int)))
        memcpy(fds, CMSG_DATA(c), 3 * sizeof(int));
    return (size_t)n;
}

bool boxes_started(struct boxes *b, struct boxes_started *ret)
{
    struct order_refused r;
    struct order_started m;
    uint8_t buf[4096];
    const char *what = "";
    size_t n;

    *ret = (struct boxes_started){.fds = {-1, -1, -1}};
    n = receive(b, buf, sizeof(buf), ret->fds);
    if (buf[0] == HOP_REFUSED &&
        order_refused_decode(buf + 1, n - 1, &r, &what) == TS_OK) {
        (void)fprintf(stderr, "refused: %.*s: %.*s\n", (int)r.step.len,
                      r.step.ptr, (int)r.text.len, r.text.ptr);
        return false;
    }
    if (buf[0] != HOP_STARTED ||
        order_started_decode(buf + 1, n - 1, &m, &what) != TS_OK)
        bench_die("STARTED");
    ret->id = m.order_id;
    ret->box = m.box;
    return true;
}

void boxes_close_fds(struct boxes_started *s)
{
    for (int i = 0; i < 3; i++)
        ts_fd_close(&s->fds[i]);
}

void boxes_kill(struct boxes *b, uint64_t id)
{
    const struct order_kill k = {.order_id = id, .reason = END_REVOKED};
    uint8_t buf[64] = {HOP_KILL};
    size_t len = 0;

    if (order_kill_encode(&k, buf + 1, 63, &len) != TS_OK ||
        send(b->orders, buf, len + 1, MSG_NOSIGNAL) != (ssize_t)len + 1)
        bench_die("KILL");
}

void boxes_ended(struct boxes *b, struct order_exited *ret)
{
    int fds[3] = {-1, -1, -1};
    const char *what = "";
    uint8_t buf[4096];
    size_t n = receive(b, buf, sizeof(buf), fds);

    if (buf[0] != HOP_EXITED ||
        order_exited_decode(buf + 1, n - 1, ret, &what) != TS_OK)
        bench_die("EXITED");
}

uint8_t boxes_next(struct boxes *b)
{
    int fds[3] = {-1, -1, -1};
    uint8_t buf[4096];

    (void)receive(b, buf, sizeof(buf), fds);
    for (int i = 0; i < 3; i++)
        ts_fd_close(&fds[i]);
    return buf[0];
}

void boxes_run(struct boxes *b, const char *tool, const char *path)
{
    struct boxes_started s;
    struct order_exited x;

    boxes_order(b, tool, path);
    if (!boxes_started(b, &s))
        bench_die("an order was refused");
    boxes_close_fds(&s);
    boxes_ended(b, &x);
    if (x.reason != END_EXITED || x.exit_code != 0)
        bench_die("a tool failed");
}
