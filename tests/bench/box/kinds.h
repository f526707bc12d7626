#ifndef TESTS_BENCH_BOX_KINDS_H
#define TESTS_BENCH_BOX_KINDS_H

#include <stdbool.h>

#include "boxes.h"
#include "rows.h"

/* A launcher for each kind of box; absent ones are left out, and so are their
 * rows. */
enum kind {
    BARE,
    UID,
    FULL,
    STRICT,
    USERNS,
    BARE_1G, /* 1 GiB more in the launcher */
    FULL_1G,
    KINDS
};
extern const char *const kind_names[KINDS];

struct all {
    const char *dir, *launcher, *nop, *peers;
    char note[256]; /* path of a file that a tool may read */
    struct boxes box[KINDS];
    bool has[KINDS];
    bool comma; /* something was printed */
};

/* only: of one kind, or -1 */
void all_open(struct all *a, int only);
void all_close(struct all *a);
/* Rows of other sandboxes, with argv. */
void all_add_peers(const struct all *a, struct rows *b);

/* Sets of rounds; each prints what it found. */
void launches_hot(struct all *a, size_t rounds);
void launches_in_place(struct all *a, size_t turns);
void launches_growth(struct all *a, size_t rounds);
void launches_cold(struct all *a, size_t rounds);
/* On stderr: where the time of one launch goes. */
void launches_parts(struct boxes *b, size_t rounds);

/* The order is sent .. the tool's first instruction. */
row_fn launches_begun;
/* When the tool "stamp", ordered already, began. */
uint64_t launches_stamp(struct boxes *b);

/* Options --gate --chain --key --uid --gid: of a whole service. */
void ring_calls(struct all *a, size_t rounds, int argc, char **argv);
/* Ours is the gate's end of the ring; recorder and launcher are real. */
void ring_orders(struct all *a, size_t rounds);

void rates_sustained(struct all *a, size_t rounds, double seconds);
/* One kind, for perf(1) and strace(1); launches per second. */
double rates_of(struct boxes *b, double seconds, unsigned window);

void kills(struct all *a, size_t rounds);

#endif
