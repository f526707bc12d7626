/*
 * What a box costs: a JSON list of figures.
 *
 *   --dir DIR        holds nop, stamp, daemons, space/note.txt
 *   --launcher FILE  the timed launcher (timed.c)
 *   --peers FILE     lines NAME|ARGUMENT|ARGUMENT... of other sandboxes
 *   --rounds N --cold N --seconds S
 *   --only SET       hot, place, memory, cold, ring, rate or kill
 *   --profile KIND   one kind of launcher (kinds.h), for perf(1) and strace(1),
 *                    with --window N orders at once for --span S seconds
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds.h"

#define SLICE_S 0.25 /* of sustained launches */

static size_t number(int argc, char **argv, const char *name, size_t usual)
{
    const char *text = bench_option(argc, argv, name);

    return text != NULL ? strtoul(text, NULL, 10) : usual;
}

static void profile(struct all *a, int kind, size_t rounds, unsigned window,
                    double seconds)
{
    if (!a->has[kind])
        bench_die("no such box here");
    (void)fprintf(stderr, "launcher %d\n", (int)a->box[kind].pid);
    launches_parts(&a->box[kind], rounds);
    printf("%.0f\n", rates_of(&a->box[kind], seconds, window));
}

static bool wanted(const char *only, const char *set)
{
    return only == NULL || strcmp(only, set) == 0;
}

static void measure(struct all *a, int argc, char **argv)
{
    const char *only = bench_option(argc, argv, "only");
    const char *seconds = bench_option(argc, argv, "seconds");
    size_t n = number(argc, argv, "rounds", 300);

    if (wanted(only, "place"))
        launches_in_place(a, n);
    if (wanted(only, "hot"))
        launches_hot(a, n);
    if (wanted(only, "memory"))
        launches_growth(a, n / 2);
    if (wanted(only, "cold"))
        launches_cold(a, number(argc, argv, "cold", 40));
    if (wanted(only, "ring")) {
        ring_calls(a, n, argc, argv);
        ring_orders(a, n);
    }
    if (wanted(only, "rate"))
        rates_sustained(
            a,
            (size_t)((seconds != NULL ? strtod(seconds, NULL) : 3) / SLICE_S),
            SLICE_S);
    if (wanted(only, "kill"))
        kills(a, 15);
}

int main(int argc, char **argv)
{
    static struct all a;
    const char *kind = bench_option(argc, argv, "profile");
    char nop[256];

    a.dir = bench_option(argc, argv, "dir");
    a.launcher = bench_option(argc, argv, "launcher");
    a.peers = bench_option(argc, argv, "peers");
    if (a.dir == NULL || a.launcher == NULL)
        bench_die("usage: --dir DIR --launcher FILE");
    (void)snprintf(nop, sizeof(nop), "%s/nop", a.dir);
    (void)snprintf(a.note, sizeof(a.note), "%s/space/note.txt", a.dir);
    a.nop = nop;
    all_open(&a, kind != NULL ? atoi(kind) : -1);
    if (kind != NULL) {
        profile(&a, atoi(kind), number(argc, argv, "rounds", 300),
                (unsigned)number(argc, argv, "window", 1),
                (double)number(argc, argv, "span", 5));
    } else {
        printf("[");
        measure(&a, argc, argv);
        printf("\n]\n");
    }
    all_close(&a);
    return 0;
}
