#include "sidecar/launcher/start/uids.h"

#include <stdbool.h>

void uids_init(struct uids *u, uid_t first, uint32_t count, uint32_t launchers,
               uint32_t index)
{
    uint32_t part, before = index, parts = launchers;

    *u = (struct uids){0};
    if (first == 0 || count == 0 || launchers == 0 || index >= launchers)
        return;
    u->writers = first;
    if (launchers > UIDS_FILES)
        parts += UIDS_FILES_PARTS - 1;
    part = (count - 1) / parts;
    if (index > UIDS_FILES)
        before += UIDS_FILES_PARTS - 1;
    u->first = first + 1 + before * part;
    u->count = index == UIDS_FILES ? part * UIDS_FILES_PARTS : part;
    if (u->count > UIDS_SLICE_MAX)
        u->count = UIDS_SLICE_MAX;
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
