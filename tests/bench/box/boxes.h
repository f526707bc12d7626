#ifndef TESTS_BENCH_BOX_BOXES_H
#define TESTS_BENCH_BOX_BOXES_H

#include <stdbool.h>
#include <sys/types.h>

#include "page.h"
#include "proto/msg/order.h"

/*
 * Real launchers, started as the supervisor starts them (as root: as a user
 * with the capabilities that it hands over, or none); the measuring program
 * plays supervisor, recorder and gate. A failure ends it.
 *
 *   nop      does nothing            file     the same, with an authorised file
 *   stamp    prints when it began    daemons  100 double-forked ones, "ready"
 */
struct boxes {
    pid_t pid;
    int control, orders, gate;
    struct bench_page *page;
    enum box_level box; /* that every order demands */
    uint64_t last_id;
};

struct boxes_want {
    const char *dir; /* that holds the programs; readable by everybody */
    const char *launcher;
    enum box_level most, box;
    bool has_caps;
    unsigned ballast_mb;
};

/* False: this host cannot give that box. */
bool boxes_open(const struct boxes_want *w, struct boxes *ret);
void boxes_close(struct boxes *b);

struct boxes_started {
    uint64_t id;
    enum box_level box;
    int fds[3];
};
void boxes_order(struct boxes *b, const char *tool, const char *path);
/* False: refused. */
bool boxes_started(struct boxes *b, struct boxes_started *ret);
void boxes_close_fds(struct boxes_started *s);
void boxes_kill(struct boxes *b, uint64_t id);
void boxes_ended(struct boxes *b, struct order_exited *ret);
/* Takes whatever comes next, and closes what came with it; its type. */
uint8_t boxes_next(struct boxes *b);
/* All of it. */
void boxes_run(struct boxes *b, const char *tool, const char *path);

#define BOXES_UID 64321 /* the launcher's, under root */

#endif
