/* KILL .. EXITED: everything of it is gone. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kinds.h"

static uint64_t kill_once(struct boxes *b)
{
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
    t0 = bench_now_ns() - t0;
    boxes_close_fds(&s);
    return t0;
}

void kills(struct all *a, size_t rounds)
{
    for (int i = BARE; i <= USERNS; i++) {
        struct bench_series us = {0};

        for (size_t k = 0; a->has[i] && k < rounds; k++)
            bench_series_add(&us, kill_once(&a->box[i]));
        if (us.n == 0)
            continue;
        printf("%s\n  {\"round\": \"kill\", \"name\": \"%s\", "
               "\"ms\": %.2f, \"worst_ms\": %.2f, \"rounds\": %zu}",
               a->comma ? "," : "", kind_names[i],
               bench_quantile_us(&us, 0.5) / 1000,
               bench_quantile_us(&us, 1.0) / 1000, us.n);
        a->comma = true;
        free(us.v);
    }
}
