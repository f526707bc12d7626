#include "proto/base/ts_mem_stop.h"

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

void *ts_mem_alloc_or_stop(size_t n)
{
    void *p = ts_mem_alloc(n);

    TS_REQUIRE(p != NULL);
    return p;
}
