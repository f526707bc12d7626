/*
 * Sustained launches. Everybody gets a slice in each round, in another order
 * each time, so that what else the machine does meets all alike; the ratio is
 * that of one round. cpu_us is processor time for each launch, of everybody
 * who had a part in it and of nobody else: it moves less than the rate while
 * others use the machine.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kinds.h"

#define ENTRIES_MAX 16
#define ROUNDS_MAX  100
#define PEER        "bwrap" /* of the others, these */

extern char **environ;

struct slice {
    double per_s, cpu_us;
    unsigned launches;
};

struct entry {
    const char *name;
    struct boxes *boxes; /* or */
    char **argv;         /* a program */
    unsigned window;     /* at once */
    double per_s[ROUNDS_MAX];
    double cpu_us; /* of all rounds: a launcher's comes in ticks */
    double launches;
};

static double used_by_children(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_CHILDREN, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Of a launcher and of what it has reaped: fields 14 to 17, in ticks. */
static double used_by(pid_t pid)
{
    char path[64], text[1024];
    double sum = 0;
    char *at;
    ssize_t n = -1;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, text, sizeof(text) - 1);
        (void)close(fd);
    }
    if (n <= 0)
        bench_die("stat of the launcher");
    text[n] = '\0';
    at = strrchr(text, ')');
    for (int field = 2; field < 17; field++) {
        at = strchr(at + 1, ' ');
        if (field >= 13)
            sum += strtod(at, NULL);
    }
    return sum * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

static unsigned run_boxes(struct boxes *b, uint64_t until, unsigned window)
{
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
    return done;
}

static unsigned run_program(char **argv, uint64_t until, unsigned window)
{
    unsigned in_flight = 0, done = 0;
    pid_t pid;
    int status;

    while (bench_now_ns() < until || in_flight > 0) {
        for (; in_flight < window && bench_now_ns() < until; in_flight++)
            if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0)
                bench_die("spawn");
        if (in_flight == 0)
            break;
        if (waitpid(-1, &status, 0) <= 0 || status != 0)
            bench_die("a peer failed");
        in_flight--;
        done++;
    }
    return done;
}

static struct slice run_slice(const struct entry *e, double seconds)
{
    struct slice s;
    double before =
        e->boxes != NULL ? used_by(e->boxes->pid) : used_by_children();
    uint64_t t0 = bench_now_ns(), until = t0 + (uint64_t)(seconds * 1e9);
    unsigned n = e->boxes != NULL ? run_boxes(e->boxes, until, e->window)
                                  : run_program(e->argv, until, e->window);

    s.per_s = n / ((double)(bench_now_ns() - t0) / 1e9);
    s.cpu_us =
        (e->boxes != NULL ? used_by(e->boxes->pid) : used_by_children()) -
        before;
    s.launches = n;
    return s;
}

double rates_of(struct boxes *b, double seconds, unsigned window)
{
    const struct entry e = {.boxes = b, .window = window};

    return run_slice(&e, seconds).per_s;
}

static void print(const struct all *a, const struct entry *e,
                  const struct entry *peer, size_t rounds)
{
    double rate[ROUNDS_MAX], ratio[ROUNDS_MAX];
    double cpu = e->cpu_us / e->launches;

    memcpy(rate, e->per_s, sizeof(rate));
    printf("%s\n  {\"round\": \"rate\", \"name\": \"%s\", \"at_once\": %u, "
           "\"per_s\": %.0f, \"cpu_us\": %.0f, \"rounds\": %zu",
           a->comma ? "," : "", e->name, e->window, bench_median(rate, rounds),
           cpu, rounds);
    if (peer != NULL) {
        for (size_t i = 0; i < rounds; i++)
            ratio[i] = e->per_s[i] / peer->per_s[i];
        printf(", \"over_peer\": %.2f, \"cpu_below_peer\": %.2f",
               bench_median(ratio, rounds),
               peer->cpu_us / peer->launches / cpu);
    }
    printf("}");
    (void)fflush(stdout);
}

static size_t gather(struct all *a, const struct rows *peers, unsigned window,
                     struct entry *out)
{
    static const int which[] = {BARE, FULL, STRICT, USERNS};
    static char *floor[2];
    size_t n = 0;

    for (size_t i = 0; i < peers->count && n < ENTRIES_MAX; i++)
        if (strncmp(peers->row[i].name, PEER, sizeof(PEER) - 1) == 0)
            out[n++] = (struct entry){.name = peers->row[i].name,
                                      .argv = peers->row[i].argv,
                                      .window = window};
    floor[0] = (char *)(uintptr_t)a->nop;
    if (n < ENTRIES_MAX)
        out[n++] =
            (struct entry){.name = "floor", .argv = floor, .window = window};
    for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++)
        if (a->has[which[i]] && n < ENTRIES_MAX)
            out[n++] = (struct entry){.name = kind_names[which[i]],
                                      .boxes = &a->box[which[i]],
                                      .window = window};
    return n;
}

void rates_sustained(struct all *a, size_t rounds, double seconds)
{
    static struct entry list[ENTRIES_MAX];
    struct rows peers = {.comma = &a->comma};
    size_t order[ENTRIES_MAX];

    all_add_peers(a, &peers);
    rounds = rounds < ROUNDS_MAX ? rounds : ROUNDS_MAX;
    for (unsigned window = 1; window <= 4; window += 3) {
        size_t n = gather(a, &peers, window, list);
        bool has_peer = list[0].boxes == NULL && list[0].argv[0] != a->nop;

        for (size_t k = 0; k < rounds; k++) {
            rows_shuffle(order, n);
            for (size_t i = 0; i < n; i++) {
                struct entry *e = &list[order[i]];
                struct slice s = run_slice(e, seconds);

                e->per_s[k] = s.per_s;
                e->cpu_us += s.cpu_us;
                e->launches += s.launches;
            }
        }
        for (size_t i = 0; i < n; i++) {
            print(a, &list[i], has_peer ? &list[0] : NULL, rounds);
            a->comma = true;
        }
    }
}
