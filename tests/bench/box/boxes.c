#include "boxes.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "proto/base/ts_fd.h"
#include "proto/wire/mp_write.h"
#include "tests/lib/launcher_rig.h"

#define UID_FIRST  64400
#define UID_COUNT  321
#define LAUNCHERS  5
#define FILES      1 /* index of the profile */
#define GENERATION 1
#define TOOLS      4

/* DIR is replaced. */
static const struct launcher_rig_manifest tools[TOOLS] = {
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

static bool start(const struct boxes_want *w, int page,
                  struct launcher_rig *ret)
{
    const struct control_start start = {.generation = GENERATION,
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
    char mb[16], why[512] = "";
    const struct launcher_rig_want want = {
        .program = w->launcher,
        .user = BOXES_UID,
        .has_caps = w->has_caps,
        .groups_fd = -1,
        .kept_fd = page,
        .kept_at = BENCH_PAGE_FD,
        .env_name = w->ballast_mb > 0 ? "BENCH_BALLAST_MB" : NULL,
        .env_value = mb};
    int bundle = launcher_rig_bundle(tools, TOOLS, w->dir);
    bool ok;

    (void)snprintf(mb, sizeof(mb), "%u", w->ballast_mb);
    ok = bundle >= 0 && launcher_rig_spawn(&want, ret) &&
         launcher_rig_start(ret, &start, bundle, why, sizeof(why));
    if (!ok)
        (void)fprintf(stderr, "the launcher did not become ready: %s\n", why);
    ts_fd_close(&bundle);
    return ok;
}

bool boxes_open(const struct boxes_want *w, struct boxes *ret)
{
    struct boxes b = {.box = w->box};
    struct launcher_rig r;
    struct boxes_started s;
    struct order_exited x;
    int page;
    bool given;

    make_page(&b.page, &page);
    if (!start(w, page, &r))
        bench_die("launcher");
    (void)close(page);
    b.pid = r.pid;
    b.control = r.control;
    b.orders = r.orders;
    b.gate = r.gate;
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
    uint8_t args[512];
    size_t args_len = 0;
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
    if (!launcher_rig_order(b->orders, &o))
        bench_die("ORDER");
}

static size_t receive(const struct boxes *b, uint8_t *buf, size_t cap,
                      int fds[3])
{
    size_t n = launcher_rig_receive(b->gate, buf, cap, fds);

    if (n == 0)
        bench_die("the launcher ended");
    return n;
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
    if (!launcher_rig_kill(b->orders, id, END_REVOKED))
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
