/*
 * What a box costs. Variants in another order in every round; the ratio of a
 * row is the median over the rounds of (it / the floor of that round). JSON.
 *
 *   --dir DIR        holds nop, stamp, daemons, space/note.txt
 *   --launcher FILE  the timed launcher (timed.c)
 *   --peers FILE     lines NAME|ARGUMENT|ARGUMENT... of other sandboxes
 *   --rounds N --cold N --seconds S
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "boxes.h"
#include "proto/msg/client.h"

extern char **environ;

#define ROWS_MAX  40
#define PEERS_MAX 12
#define ARGS_MAX  128
#define COLD_NS   3000000 /* between cold launches */

enum how {
    HOW_FLOOR, /* vfork, exec, wait */
    HOW_SPAWN, /* another program, with posix_spawn */
    HOW_BOX,   /* clone, box, exec, end: inside the launcher */
    HOW_WORK,  /* the order in hand .. its end: all that the launcher does */
    HOW_ASKED, /* the order is sent .. EXITED has come: with both sockets */
    HOW_BEGUN, /* the order is sent .. the tool's first instruction */
    HOW_RING   /* CALL is sent .. the same, in a whole service */
};

struct agent { /* a session with a whole service */
    int fd;
    uid_t uid; /* whose it is; 0: ours */
    gid_t gid;
};

struct row {
    const char *name;
    const struct agent *agent;
    enum how how;
    struct boxes *boxes;
    const char *tool, *path;
    char **argv;
    struct bench_series us;
    double *ratio; /* of each round, to the floor */
    size_t ratios;
};

struct bench {
    const char *nop;
    struct row rows[ROWS_MAX];
    size_t count;
};

static struct row *add(struct bench *b, const char *name, enum how how,
                       struct boxes *boxes)
{
    struct row *r = &b->rows[b->count++];

    if (b->count == ROWS_MAX)
        bench_die("rows");
    *r = (struct row){.name = name, .how = how, .boxes = boxes, .tool = "nop"};
    return r;
}

static uint64_t floor_once(const char *nop)
{
    char *argv[] = {(char *)(uintptr_t)nop, NULL};
    static char *env[] = {NULL};
    uint64_t t0 = bench_now_ns();
    int status = 1;
    pid_t pid = vfork();

    if (pid == 0) {
        (void)execve(nop, argv, env);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        bench_die("floor");
    return bench_now_ns() - t0;
}

static uint64_t spawn_once(char **argv)
{
    uint64_t t0 = bench_now_ns();
    int status = 1;
    pid_t pid;

    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        (void)fprintf(stderr, "%s: status %x\n", argv[0], (unsigned)status);
        bench_die("a peer failed");
    }
    return bench_now_ns() - t0;
}

/* When the tool of that order began, from its output. */
static uint64_t stamp_of(struct boxes *b)
{
    struct boxes_started s;
    struct order_exited x;
    char text[32];
    ssize_t n;

    if (!boxes_started(b, &s))
        bench_die("an order was refused");
    do {
        n = read(s.fds[1], text, sizeof(text) - 1);
        if (n < 0 && errno == EAGAIN)
            (void)usleep(50);
    } while (n < 0 && errno == EAGAIN);
    boxes_close_fds(&s);
    boxes_ended(b, &x);
    text[n > 0 ? n : 0] = '\0';
    return strtoull(text, NULL, 10);
}

static uint64_t box_once(const struct row *r)
{
    struct boxes *b = r->boxes;
    uint64_t t0, t1;

    b->page->wait = r->how == HOW_BOX || r->how == HOW_WORK ? 1 : 0;
    t0 = bench_now_ns();
    if (r->how == HOW_BEGUN) {
        boxes_order(b, "stamp", NULL);
        t1 = stamp_of(b);
        return t1 - t0;
    }
    boxes_run(b, r->tool, r->path);
    t1 = bench_now_ns();
    if (r->how == HOW_ASKED)
        return t1 - t0;
    return b->page->over_ns -
           (r->how == HOW_BOX ? b->page->spawn_ns : b->page->order_ns);
}

/* The gate asks of every message who sent it. */
static void become(uid_t uid, gid_t gid)
{
    if (setresuid(0, 0, 0) != 0 || setresgid(gid, gid, 0) != 0 ||
        setresuid(uid, uid, 0) != 0)
        bench_die("setresuid");
}

/* When the tool of a call began, from its output. */
static uint64_t ring_once(const struct agent *g)
{
    static uint8_t req[4096], body[TS_FRAME_MAX];
    static uint64_t seq;
    size_t n = bench_call(req, sizeof(req), ++seq, "bench.stamp", NULL, NULL);
    struct msg_output out;
    const char *what = "";
    uint64_t t0, begun = 0;
    uint8_t type;
    size_t len;

    if (g->uid != 0)
        become(g->uid, g->gid);
    t0 = bench_now_ns();
    bench_write(g->fd, req, n);
    do {
        type = bench_read_frame(g->fd, body, sizeof(body), &len);
        if (type == MSG_OUTPUT &&
            msg_output_decode(body, len, &out, &what) == TS_OK &&
            out.data.len >= 20)
            begun = strtoull((const char *)out.data.ptr, NULL, 10);
    } while (type != MSG_RESULT && type != MSG_ERROR);
    if (g->uid != 0)
        become(0, 0);
    if (type != MSG_RESULT || begun == 0)
        bench_die("a call of bench.stamp failed");
    return begun - t0;
}

static uint64_t once(const struct bench *b, const struct row *r)
{
    switch (r->how) {
    case HOW_FLOOR:
        return floor_once(b->nop);
    case HOW_SPAWN:
        return spawn_once(r->argv);
    case HOW_BOX:
    case HOW_WORK:
    case HOW_ASKED:
    case HOW_BEGUN:
        break;
    case HOW_RING:
        return ring_once(r->agent);
    }
    return box_once(r);
}

static void shuffle(size_t *order, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = (size_t)random() % i, t = order[i - 1];

        order[i - 1] = order[k];
        order[k] = t;
    }
}

/* Row 0 is what ratios are to. */
static void run_rounds(struct bench *b, size_t rounds, long gap_ns)
{
    const struct timespec gap = {0, gap_ns};
    size_t order[ROWS_MAX];

    for (size_t i = 0; i < b->count; i++) {
        order[i] = i;
        b->rows[i].ratio = malloc(rounds * sizeof(double));
    }
    for (size_t k = 0; k < rounds + 5; k++) {
        uint64_t ns[ROWS_MAX];

        shuffle(order, b->count);
        for (size_t i = 0; i < b->count; i++) {
            if (gap_ns > 0)
                (void)nanosleep(&gap, NULL);
            ns[order[i]] = once(b, &b->rows[order[i]]);
        }
        for (size_t i = 0; i < b->count && k >= 5; i++) { /* 5 of warm-up */
            struct row *r = &b->rows[i];

            bench_series_add(&r->us, ns[i]);
            r->ratio[r->ratios++] = (double)ns[i] / (double)ns[0];
        }
    }
}

static void print_rows(const char *title, struct bench *b, bool *comma)
{
    for (size_t i = 0; i < b->count; i++) {
        struct row *r = &b->rows[i];

        printf("%s\n  {\"round\": \"%s\", \"name\": \"%s\", "
               "\"us\": %.1f, \"p10_us\": %.1f, \"p90_us\": %.1f, "
               "\"ratio\": %.3f, \"rounds\": %zu}",
               *comma ? "," : "", title, r->name,
               bench_quantile_us(&r->us, 0.5), bench_quantile_us(&r->us, 0.1),
               bench_quantile_us(&r->us, 0.9),
               bench_median(r->ratio, r->ratios), r->ratios);
        *comma = true;
        free(r->ratio);
        free(r->us.v);
    }
    (void)fflush(stdout);
}

/* A launcher for each box; absent ones are left out, and so are their rows. */
enum {
    BARE,
    UID,
    FULL,
    STRICT,
    USERNS,
    BARE_1G,
    FULL_1G,
    KINDS
};
static const struct {
    const char *name;
    enum box_level most, box;
    bool has_caps;
    unsigned mb;
} kinds[KINDS] = {
    [BARE] = {"bare", BOX_BARE, BOX_ANY, false, 0},
    [UID] = {"uid", BOX_UID, BOX_ANY, true, 0},
    [FULL] = {"full", BOX_FULL, BOX_ANY, true, 0},
    [STRICT] = {"strict", BOX_ANY, BOX_STRICT, true, 0},
    [USERNS] = {"userns", BOX_FULL, BOX_ANY, false, 0},
    [BARE_1G] = {"bare_1g", BOX_BARE, BOX_ANY, false, 1024},
    [FULL_1G] = {"full_1g", BOX_FULL, BOX_ANY, true, 1024},
};

struct all {
    const char *dir, *launcher, *nop, *peers;
    char note[256];
    struct boxes box[KINDS];
    bool has[KINDS];
};

/* only: of one kind, or -1 */
static void open_all(struct all *a, int only)
{
    for (int i = 0; i < KINDS; i++) {
        const struct boxes_want w = {.dir = a->dir,
                                     .launcher = a->launcher,
                                     .most = kinds[i].most,
                                     .box = kinds[i].box,
                                     .has_caps = kinds[i].has_caps,
                                     .ballast_mb = kinds[i].mb,
                                     .cpu = -1};

        if ((kinds[i].has_caps && geteuid() != 0) || (only >= 0 && only != i))
            continue;
        a->has[i] = boxes_open(&w, &a->box[i]);
        if (!a->has[i])
            (void)fprintf(stderr, "SKIPPED: no box %s here\n", kinds[i].name);
    }
}

static void add_kind(struct bench *b, struct all *a, int kind, enum how how)
{
    static const char *const suffix[] = {
        [HOW_FLOOR] = "",     [HOW_SPAWN] = "",       [HOW_BOX] = "",
        [HOW_WORK] = " work", [HOW_ASKED] = " asked", [HOW_BEGUN] = " begun",
        [HOW_RING] = ""};
    char *name;

    if (!a->has[kind] ||
        asprintf(&name, "%s%s", kinds[kind].name, suffix[how]) < 0)
        return;
    (void)add(b, name, how, &a->box[kind]);
}

static void hot(struct all *a, size_t rounds, bool *comma)
{
    struct bench b = {.nop = a->nop};

    (void)add(&b, "floor", HOW_FLOOR, NULL);
    for (int i = BARE; i <= USERNS; i++) {
        add_kind(&b, a, i, HOW_BOX);
        add_kind(&b, a, i, HOW_WORK);
        add_kind(&b, a, i, HOW_ASKED);
    }
    add_kind(&b, a, BARE, HOW_BEGUN);
    add_kind(&b, a, FULL, HOW_BEGUN);
    if (a->has[FULL]) {
        struct row *r = add(&b, "full file work", HOW_WORK, &a->box[FULL]);

        r->tool = "file";
        r->path = a->note;
    }
    run_rounds(&b, rounds, 0);
    print_rows("hot", &b, comma);
}

/* Inside one launcher, the box and the floor in turn. */
static void in_place(struct all *a, size_t turns, bool *comma)
{
    for (int i = BARE; i <= USERNS; i++) {
        struct bench_page *p = a->box[i].page;
        struct bench b = {.nop = a->nop};
        struct row *floor, *box;
        char *name;

        if (!a->has[i] || asprintf(&name, "floor (%s)", kinds[i].name) < 0)
            continue;
        floor = add(&b, name, HOW_FLOOR, NULL);
        box = add(&b, kinds[i].name, HOW_BOX, NULL);
        turns = turns < BENCH_TURNS_MAX ? turns : BENCH_TURNS_MAX;
        floor->ratio = malloc(turns * sizeof(double));
        box->ratio = malloc(turns * sizeof(double));
        p->turns = (uint32_t)turns;
        boxes_run(&a->box[i], "nop", NULL);
        p->turns = 0;
        for (size_t k = 0; k < turns; k++) {
            bench_series_add(&floor->us, p->floor_ns[k]);
            bench_series_add(&box->us, p->box_ns[k]);
            floor->ratio[floor->ratios++] = 1;
            box->ratio[box->ratios++] =
                (double)p->box_ns[k] / (double)p->floor_ns[k];
        }
        print_rows("place", &b, comma);
    }
}

static void growth(struct all *a, size_t rounds, bool *comma)
{
    for (int i = BARE; i <= FULL; i += FULL - BARE) {
        struct bench b = {.nop = a->nop};

        add_kind(&b, a, i, HOW_WORK);
        add_kind(&b, a, i == BARE ? BARE_1G : FULL_1G, HOW_WORK);
        run_rounds(&b, b.count == 2 ? rounds : 0, 0);
        if (b.count == 2)
            print_rows("memory", &b, comma);
    }
}

static size_t read_peers(const struct all *a, struct bench *b)
{
    FILE *f = a->peers != NULL ? fopen(a->peers, "re") : NULL;
    char *line = NULL;
    size_t cap = 0;

    while (f != NULL && getline(&line, &cap, f) > 0) {
        char **argv = calloc(ARGS_MAX, sizeof(char *)), *rest = strdup(line);
        struct row *r;

        rest[strcspn(rest, "\n")] = '\0';
        r = add(b, strsep(&rest, "|"), HOW_SPAWN, NULL);
        for (size_t i = 0; rest != NULL && i + 1 < ARGS_MAX; i++)
            argv[i] = strsep(&rest, "|");
        r->argv = argv;
    }
    if (f != NULL)
        (void)fclose(f);
    return b->count;
}

static void ring(struct all *a, size_t rounds, int argc, char **argv,
                 bool *comma)
{
    const char *gate = bench_option(argc, argv, "gate");
    struct bench b = {.nop = a->nop};
    struct agent g = {.fd = -1};

    if (gate == NULL)
        return;
    if (geteuid() == 0) {
        g.uid = (uid_t)strtoul(bench_option(argc, argv, "uid"), NULL, 10);
        g.gid = (gid_t)strtoul(bench_option(argc, argv, "gid"), NULL, 10);
        become(g.uid, g.gid);
    }
    g.fd = bench_session(gate, bench_option(argc, argv, "chain"),
                         bench_option(argc, argv, "key"));
    if (g.uid != 0)
        become(0, 0);
    (void)add(&b, "floor", HOW_FLOOR, NULL);
    add_kind(&b, a, BARE, HOW_BEGUN);
    add_kind(&b, a, FULL, HOW_BEGUN);
    add_kind(&b, a, USERNS, HOW_BEGUN);
    add(&b, "ring", HOW_RING, NULL)->agent = &g;
    run_rounds(&b, rounds, 0);
    print_rows("ring", &b, comma);
    (void)close(g.fd);
}

static void cold(struct all *a, size_t rounds, bool *comma)
{
    struct bench b = {.nop = a->nop};

    (void)add(&b, "floor", HOW_FLOOR, NULL);
    add_kind(&b, a, BARE, HOW_BOX);
    add_kind(&b, a, BARE, HOW_ASKED);
    add_kind(&b, a, FULL, HOW_BOX);
    add_kind(&b, a, FULL, HOW_WORK);
    add_kind(&b, a, FULL, HOW_ASKED);
    add_kind(&b, a, USERNS, HOW_BOX);
    add_kind(&b, a, USERNS, HOW_ASKED);
    (void)read_peers(a, &b);
    run_rounds(&b, rounds, COLD_NS);
    print_rows("cold", &b, comma);
}

/* Where the time of one launch goes. */
static void print_parts(struct boxes *b, size_t rounds)
{
    static const char *const names[] = {
        "order sent .. decoded", ".. ready to clone",
        ".. executed",           ".. ended, all of its mounts gone",
        ".. EXITED has come",    "whole"};
    struct bench_series part[6] = {0};
    const struct bench_page *p = b->page;

    b->page->wait = 1;
    for (size_t i = 0; i < rounds; i++) {
        uint64_t t0 = bench_now_ns(), t1;

        boxes_run(b, "nop", NULL);
        t1 = bench_now_ns();
        bench_series_add(&part[0], p->order_ns - t0);
        bench_series_add(&part[1], p->spawn_ns - p->order_ns);
        bench_series_add(&part[2], p->exec_ns - p->spawn_ns);
        bench_series_add(&part[3], p->over_ns - p->exec_ns);
        bench_series_add(&part[4], t1 - p->over_ns);
        bench_series_add(&part[5], t1 - t0);
    }
    for (int i = 0; i < 6; i++) {
        (void)fprintf(stderr, "%-34s %7.1f us, p90 %7.1f\n", names[i],
                      bench_quantile_us(&part[i], 0.5),
                      bench_quantile_us(&part[i], 0.9));
        free(part[i].v);
    }
}

/* As many as come through in that time, WINDOW of them at once. */
static double rate_of_boxes(struct boxes *b, double seconds, unsigned window)
{
    uint64_t t0 = bench_now_ns(), until = t0 + (uint64_t)(seconds * 1e9);
    unsigned in_flight = 0, started = 0, done = 0;

    b->page->wait = 0;
    while (bench_now_ns() < until || in_flight > 0) {
        uint8_t kind;

        for (; in_flight < window && bench_now_ns() < until; in_flight++)
            boxes_order(b, "nop", NULL);
        if (in_flight == 0)
            break;
        kind = boxes_next(b);
        started += kind == HOP_STARTED;
        if (kind == HOP_EXITED) {
            in_flight--;
            done++;
        }
    }
    if (started != done)
        bench_die("not all of them ran");
    return done / ((double)(bench_now_ns() - t0) / 1e9);
}

static double rate_of_program(char **argv, const char *nop, double seconds,
                              unsigned window)
{
    uint64_t t0 = bench_now_ns(), until = t0 + (uint64_t)(seconds * 1e9);
    unsigned in_flight = 0, done = 0;
    char *plain[] = {(char *)(uintptr_t)nop, NULL};
    pid_t pid;
    int status;

    if (argv == NULL && window == 1) { /* the floor */
        for (; bench_now_ns() < until; done++)
            (void)floor_once(nop);
        return done / ((double)(bench_now_ns() - t0) / 1e9);
    }
    while (bench_now_ns() < until || in_flight > 0) {
        for (; in_flight < window && bench_now_ns() < until; in_flight++)
            if (posix_spawnp(&pid, argv != NULL ? argv[0] : nop, NULL, NULL,
                             argv != NULL ? argv : plain, environ) != 0)
                bench_die("spawn");
        if (in_flight == 0)
            break;
        if (waitpid(-1, &status, 0) <= 0 || status != 0)
            bench_die("a peer failed");
        in_flight--;
        done++;
    }
    return done / ((double)(bench_now_ns() - t0) / 1e9);
}

static void print_rate(const char *name, unsigned window, double per_s,
                       bool *comma)
{
    printf("%s\n  {\"round\": \"rate\", \"name\": \"%s\", \"at_once\": %u, "
           "\"per_s\": %.0f}",
           *comma ? "," : "", name, window, per_s);
    *comma = true;
    (void)fflush(stdout);
}

static void rates(struct all *a, double seconds, bool *comma)
{
    static const int which[] = {BARE, FULL, STRICT, USERNS};
    struct bench b = {.nop = a->nop};

    (void)read_peers(a, &b);
    for (unsigned window = 1; window <= 4; window += 3) {
        print_rate("floor", window,
                   rate_of_program(NULL, a->nop, seconds, window), comma);
        for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++)
            if (a->has[which[i]])
                print_rate(kinds[which[i]].name, window,
                           rate_of_boxes(&a->box[which[i]], seconds, window),
                           comma);
        for (size_t i = 0; i < b.count; i++)
            if (strncmp(b.rows[i].name, "bwrap", 5) == 0)
                print_rate(
                    b.rows[i].name, window,
                    rate_of_program(b.rows[i].argv, a->nop, seconds, window),
                    comma);
    }
}

/* KILL .. EXITED: everything of it is gone. */
static void kills(struct all *a, size_t rounds, bool *comma)
{
    for (int i = BARE; i <= USERNS; i++) {
        struct bench_series us = {0};

        for (size_t k = 0; a->has[i] && k < rounds; k++) {
            struct boxes *b = &a->box[i];
            struct boxes_started s;
            struct order_exited x;
            char text[16];
            uint64_t t0;

            b->page->wait = 0;
            boxes_order(b, "daemons", NULL);
            if (!boxes_started(b, &s))
                bench_die("an order was refused");
            while (read(s.fds[1], text, sizeof(text)) < 0 && errno == EAGAIN)
                (void)usleep(200);
            t0 = bench_now_ns();
            boxes_kill(b, s.id);
            boxes_ended(b, &x);
            bench_series_add(&us, bench_now_ns() - t0);
            boxes_close_fds(&s);
        }
        if (us.n == 0)
            continue;
        printf("%s\n  {\"round\": \"kill\", \"name\": \"%s\", "
               "\"ms\": %.2f, \"worst_ms\": %.2f, \"rounds\": %zu}",
               *comma ? "," : "", kinds[i].name,
               bench_quantile_us(&us, 0.5) / 1000,
               bench_quantile_us(&us, 1.0) / 1000, us.n);
        *comma = true;
        free(us.v);
    }
}

int main(int argc, char **argv)
{
    struct all a = {.dir = bench_option(argc, argv, "dir"),
                    .launcher = bench_option(argc, argv, "launcher"),
                    .peers = bench_option(argc, argv, "peers")};
    const char *rounds = bench_option(argc, argv, "rounds");
    const char *few = bench_option(argc, argv, "cold");
    const char *seconds = bench_option(argc, argv, "seconds");
    const char *profile = bench_option(argc, argv, "profile");
    size_t n = rounds != NULL ? strtoul(rounds, NULL, 10) : 300;
    bool comma = false;
    char nop[256];

    if (a.dir == NULL || a.launcher == NULL)
        bench_die("usage: --dir DIR --launcher FILE");
    (void)snprintf(nop, sizeof(nop), "%s/nop", a.dir);
    (void)snprintf(a.note, sizeof(a.note), "%s/space/note.txt", a.dir);
    a.nop = nop;
    open_all(&a, profile != NULL ? atoi(profile) : -1);
    if (profile != NULL) { /* for perf(1), strace(1) */
        (void)fprintf(stderr, "launcher %d\n", (int)a.box[atoi(profile)].pid);
        print_parts(&a.box[atoi(profile)], n);
        printf("%.0f\n", rate_of_boxes(&a.box[atoi(profile)], 5.0, 1));
        return 0;
    }
    printf("[");
    in_place(&a, n, &comma);
    hot(&a, n, &comma);
    growth(&a, n / 2, &comma);
    cold(&a, few != NULL ? strtoul(few, NULL, 10) : 40, &comma);
    ring(&a, n, argc, argv, &comma);
    rates(&a, seconds != NULL ? strtod(seconds, NULL) : 3.0, &comma);
    kills(&a, 15, &comma);
    printf("\n]\n");
    for (int i = 0; i < KINDS; i++)
        if (a.has[i])
            boxes_close(&a.box[i]);
    return 0;
}
