#include "proto/base/ts_mem.h"

#include <stdlib.h>

static void *heap_alloc(void *ctx, size_t n)
{
    (void)ctx;
    return calloc(1, n);
}

static void heap_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static const struct ts_mem_ops heap_ops = {heap_alloc, heap_free, NULL};
static struct ts_mem_ops ops = {heap_alloc, heap_free, NULL};

void *ts_mem_alloc(size_t n)
{
    return ops.alloc(ops.ctx, n);
}

void ts_mem_free(void *p)
{
    if (p != NULL)
        ops.free(ops.ctx, p);
}

void ts_mem_set_ops(const struct ts_mem_ops *o)
{
    ops = o != NULL ? *o : heap_ops;
}
