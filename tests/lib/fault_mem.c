#include "tests/lib/fault_mem.h"

#include <stdlib.h>

#include "proto/base/ts_mem.h"
#include "tests/lib/fault_trace.h"

static int left, live;
static bool fired, persist;

static void *faulty_alloc(void *ctx, size_t n)
{
    void *p;

    (void)ctx;
    if (left == 0) {
        fired = true;
        fault_trace_note();
        if (!persist)
            left = -1;
        return NULL;
    }
    if (left > 0)
        left--;
    p = calloc(1, n);
    live += p != NULL;
    return p;
}

static void faulty_free(void *ctx, void *p)
{
    (void)ctx;
    live--;
    free(p);
}

void fault_mem_arm(int nth, bool persistent)
{
    static const struct ts_mem_ops ops = {faulty_alloc, faulty_free, NULL};

    fault_trace_open();
    left = nth;
    live = 0;
    fired = false;
    persist = persistent;
    ts_mem_set_ops(&ops);
}

bool fault_mem_fired(void)
{
    return fired;
}

int fault_mem_live(void)
{
    return live;
}

void fault_mem_disarm(void)
{
    ts_mem_set_ops(NULL);
}
