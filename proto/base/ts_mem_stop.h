#ifndef PROTO_BASE_TS_MEM_STOP_H
#define PROTO_BASE_TS_MEM_STOP_H

#include <stddef.h>

/*
 * ts_mem_alloc() that ends the process where the other gives NULL. For a
 * library that goes wrong without memory, which is worse than an end: the
 * parser of jansson 2.14 drops a byte that does not fit any more, and then
 * writes behind its buffer (akheron/jansson#362). Every program that parses
 * with it starts with
 *
 *     json_set_alloc_funcs(ts_mem_alloc_or_stop, ts_mem_free);
 *
 * What is allocated is given to ts_mem_free() (ts_mem.h).
 */
void *ts_mem_alloc_or_stop(size_t n);

#endif
