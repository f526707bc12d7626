#include "sidecar/launcher/uids.h"

#include <stdbool.h>

void uids_init(struct uids *u, uid_t first, uint32_t count, uint32_t launchers,
               uint32_t index)
{
    uint32_t share;

    *u = (struct uids){0};
    if (first == 0 || count == 0 || launchers == 0 || index >= launchers)
        return;
    u->writers = first;
    share = (count - 1) / launchers;
    u->first = first + 1 + index * share;
    u->count = share < UIDS_SLICE_MAX ? share : UIDS_SLICE_MAX;
}

static bool is_used(const struct uids *u, uint32_t i)
{
    return (u->used[i / 8] >> (i % 8) & 1u) != 0;
}

ts_err uids_take(struct uids *u, uid_t *ret)
{
    for (uint32_t k = 0; k < u->count; k++) {
        uint32_t i = (u->next + k) % u->count;

        if (is_used(u, i))
            continue;
        u->used[i / 8] = (uint8_t)(u->used[i / 8] | 1u << (i % 8));
        u->next = (i + 1) % u->count;
        u->taken++;
        *ret = u->first + i;
        return TS_OK;
    }
    return TS_E_LIMIT;
}

void uids_give(struct uids *u, uid_t uid)
{
    uint32_t i = uid - u->first;

    if (uid < u->first || i >= u->count || !is_used(u, i))
        return;
    u->used[i / 8] = (uint8_t)(u->used[i / 8] & ~(1u << (i % 8)));
    u->taken--;
}
