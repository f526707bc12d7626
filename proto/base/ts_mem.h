#ifndef PROTO_BASE_TS_MEM_H
#define PROTO_BASE_TS_MEM_H

#include <stddef.h>

/* The only door to the heap; tests swap it to make the Nth call fail. */
struct ts_mem_ops {
    void *(*alloc)(void *ctx, size_t n);
    void (*free)(void *ctx, void *p);
    void *ctx;
};

void *ts_mem_alloc(size_t n);                      /* zeroed, NULL on failure */
void ts_mem_free(void *p);                         /* NULL is fine */
void ts_mem_set_ops(const struct ts_mem_ops *ops); /* tests only; NULL resets */

#endif
