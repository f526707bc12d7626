/* A dense list: few launches are open at once, and ids lie side by side, so a
 * walk is cheaper than a table would be. */
#include "sidecar/recorder/open.h"

#include <string.h>

#include "proto/base/ts_mem.h"

ts_err open_init(struct open_launches *o)
{
    struct open_launches made = {0};

    made.ids = ts_mem_alloc(sizeof(*made.ids) * OPEN_MAX);
    made.names = ts_mem_alloc(sizeof(*made.names) * OPEN_MAX);
    if (made.ids == NULL || made.names == NULL) {
        open_done(&made);
        return TS_E_NOMEM;
    }
    *o = made;
    return TS_OK;
}

void open_done(struct open_launches *o)
{
    ts_mem_free(o->ids);
    ts_mem_free(o->names);
    *o = (struct open_launches){0};
}

static uint32_t find(const struct open_launches *o, const uint8_t id[16])
{
    uint32_t i = 0;

    while (i < o->count && memcmp(o->ids[i], id, 16) != 0)
        i++;
    return i;
}

/* Cuts between characters, so that what is left is UTF-8 again. */
static void keep(char *out, size_t cap, struct ts_str s)
{
    size_t n = s.len < cap ? s.len : cap - 1;

    while (n < s.len && n > 0 && ((unsigned char)s.ptr[n] & 0xc0) == 0x80)
        n--;
    if (n > 0)
        memcpy(out, s.ptr, n);
    out[n] = '\0';
}

ts_err open_add(struct open_launches *o, const uint8_t id[16],
                struct ts_str tenant, struct ts_str user, struct ts_str agent,
                struct ts_str tool)
{
    struct open_launch *l;

    if (find(o, id) < o->count)
        return TS_E_EXISTS;
    if (o->count == OPEN_MAX)
        return TS_E_LIMIT;
    memcpy(o->ids[o->count], id, 16);
    l = &o->names[o->count++];
    keep(l->tenant, sizeof(l->tenant), tenant);
    keep(l->user, sizeof(l->user), user);
    keep(l->agent, sizeof(l->agent), agent);
    keep(l->tool, sizeof(l->tool), tool);
    return TS_OK;
}

ts_err open_remove(struct open_launches *o, const uint8_t id[16])
{
    uint32_t i = find(o, id), last;

    if (i == o->count)
        return TS_E_NOT_FOUND;
    last = --o->count;
    if (i != last) {
        memcpy(o->ids[i], o->ids[last], 16);
        o->names[i] = o->names[last];
    }
    return TS_OK;
}
