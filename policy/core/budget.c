/* How large a text is, and what may be spent on it. */
#include "policy/core/budget.h"

#include "policy/core/limits.h"
#include "proto/base/ts_num.h"

size_t cedar_sources_bytes(const struct cedar_source *sources, size_t count)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        if (ts_ckd_add(&bytes, bytes, sources[i].text.len))
            return SIZE_MAX;
    return bytes;
}

size_t cedar_load_budget(size_t bytes)
{
    size_t budget;

    if (ts_ckd_mul(&budget, bytes, CEDAR_LOAD_PER_BYTE) ||
        ts_ckd_add(&budget, budget, CEDAR_LOAD_BASE))
        return SIZE_MAX;
    return budget;
}
