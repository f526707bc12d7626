/*
 * With TS_FAULTS each piece of an arena is an allocation of its own to the
 * sweeps, not only what makes an arena grow: the linker puts these in front
 * of the real ones (--wrap), which stay as they are.
 */
#include "proto/base/ts_arena.h"
#include "proto/base/ts_mem.h"

ts_err __real_ts_arena_alloc(struct ts_arena *a, size_t n, void **ret);
ts_err __real_ts_arena_array(struct ts_arena *a, size_t count, size_t size,
                             void **ret);
ts_err __real_ts_arena_strndup(struct ts_arena *a, const char *s, size_t n,
                               const char **ret);
ts_err __wrap_ts_arena_alloc(struct ts_arena *a, size_t n, void **ret);
ts_err __wrap_ts_arena_array(struct ts_arena *a, size_t count, size_t size,
                             void **ret);
ts_err __wrap_ts_arena_strndup(struct ts_arena *a, const char *s, size_t n,
                               const char **ret);

static ts_err ask(void)
{
    void *p = ts_mem_alloc(1);

    if (p == NULL)
        return TS_E_NOMEM;
    ts_mem_free(p);
    return TS_OK;
}

ts_err __wrap_ts_arena_alloc(struct ts_arena *a, size_t n, void **ret)
{
    ts_err e = ask();

    return e == TS_OK ? __real_ts_arena_alloc(a, n, ret) : e;
}

ts_err __wrap_ts_arena_array(struct ts_arena *a, size_t count, size_t size,
                             void **ret)
{
    ts_err e = ask();

    return e == TS_OK ? __real_ts_arena_array(a, count, size, ret) : e;
}

ts_err __wrap_ts_arena_strndup(struct ts_arena *a, const char *s, size_t n,
                               const char **ret)
{
    ts_err e = ask();

    return e == TS_OK ? __real_ts_arena_strndup(a, s, n, ret) : e;
}
