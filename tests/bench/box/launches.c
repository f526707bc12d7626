/* One launch after the other: how long each of its parts takes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kinds.h"

#define COLD_NS 3000000 /* between cold launches */

/* "of" is written: the page, and the last order's number. */
static struct boxes *boxes_of(const struct row *r)
{
    return (struct boxes *)(uintptr_t)r->of;
}

uint64_t launches_stamp(struct boxes *b)
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

uint64_t launches_begun(const struct row *r)
{
    struct boxes *b = boxes_of(r);
    uint64_t t0;

    b->page->wait = 0;
    t0 = bench_now_ns();
    boxes_order(b, "stamp", NULL);
    return launches_stamp(b) - t0;
}

/* The order is sent .. EXITED has come: with both sockets. */
static uint64_t asked(const struct row *r)
{
    struct boxes *b = boxes_of(r);
    uint64_t t0;

    b->page->wait = 0;
    t0 = bench_now_ns();
    boxes_run(b, r->tool, r->path);
    return bench_now_ns() - t0;
}

/* Clone, box, exec, end: inside the launcher. */
static uint64_t boxed(const struct row *r)
{
    struct boxes *b = boxes_of(r);

    b->page->wait = 1;
    boxes_run(b, r->tool, r->path);
    return b->page->over_ns - b->page->spawn_ns;
}

/* The order in hand .. its end: all that the launcher does. */
static uint64_t worked(const struct row *r)
{
    struct boxes *b = boxes_of(r);

    b->page->wait = 1;
    boxes_run(b, r->tool, r->path);
    return b->page->over_ns - b->page->order_ns;
}

static struct row *add(struct rows *b, struct all *a, int kind,
                       const char *suffix, row_fn *once)
{
    char *name;

    if (!a->has[kind] || asprintf(&name, "%s%s", kind_names[kind], suffix) < 0)
        return NULL;
    return rows_add(b, name, once, &a->box[kind]);
}

static struct rows begin(struct all *a)
{
    struct rows b = {.comma = &a->comma};

    (void)rows_add(&b, "floor", rows_floor, a->nop);
    return b;
}

void launches_hot(struct all *a, size_t rounds)
{
    struct rows b = begin(a);
    struct row *r;

    for (int i = BARE; i <= USERNS; i++) {
        (void)add(&b, a, i, "", boxed);
        (void)add(&b, a, i, " work", worked);
        (void)add(&b, a, i, " asked", asked);
    }
    (void)add(&b, a, BARE, " begun", launches_begun);
    (void)add(&b, a, FULL, " begun", launches_begun);
    if ((r = add(&b, a, FULL, " file work", worked)) != NULL) {
        r->tool = "file";
        r->path = a->note;
    }
    rows_run(&b, rounds, 0);
    rows_print("hot", &b);
}

/* Inside one launcher, the box and the floor in turn. */
void launches_in_place(struct all *a, size_t turns)
{
    turns = turns < BENCH_TURNS_MAX ? turns : BENCH_TURNS_MAX;
    for (int i = BARE; i <= USERNS; i++) {
        struct bench_page *p = a->box[i].page;
        struct rows b = {.comma = &a->comma};
        struct row *floor, *box;
        char *name;

        if (!a->has[i] || asprintf(&name, "floor (%s)", kind_names[i]) < 0)
            continue;
        floor = rows_add(&b, name, NULL, NULL);
        box = rows_add(&b, kind_names[i], NULL, NULL);
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
        rows_print("place", &b);
    }
}

void launches_growth(struct all *a, size_t rounds)
{
    for (int i = BARE; i <= FULL; i += FULL - BARE) {
        struct rows b = {.comma = &a->comma};

        (void)add(&b, a, i, " work", worked);
        (void)add(&b, a, i == BARE ? BARE_1G : FULL_1G, " work", worked);
        if (b.count < 2)
            continue;
        rows_run(&b, rounds, 0);
        rows_print("memory", &b);
    }
}

void launches_cold(struct all *a, size_t rounds)
{
    struct rows b = begin(a);

    (void)add(&b, a, BARE, "", boxed);
    (void)add(&b, a, BARE, " asked", asked);
    (void)add(&b, a, FULL, "", boxed);
    (void)add(&b, a, FULL, " work", worked);
    (void)add(&b, a, FULL, " asked", asked);
    (void)add(&b, a, USERNS, "", boxed);
    (void)add(&b, a, USERNS, " asked", asked);
    all_add_peers(a, &b);
    rows_run(&b, rounds, COLD_NS);
    rows_print("cold", &b);
}

void launches_parts(struct boxes *b, size_t rounds)
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
        (void)fprintf(stderr, "%-34s %7.1f us, p10 %7.1f, p90 %7.1f\n",
                      names[i], bench_quantile_us(&part[i], 0.5),
                      bench_quantile_us(&part[i], 0.1),
                      bench_quantile_us(&part[i], 0.9));
        free(part[i].v);
    }
}
