#include "sidecar/gate/provenance/given.h"

#include <string.h>

#include "proto/base/ts_mem.h"

static const struct prov_given lost = {.is_lost = true};

const struct prov_given *prov_given_new(const struct prov_given_one *list,
                                        uint32_t count)
{
    struct prov_given *g;
    size_t text = 0, at = 0;

    if (count == 0)
        return NULL;
    if (count > PROV_GIVEN_MAX)
        return &lost;
    for (uint32_t i = 0; i < count; i++)
        text += list[i].pointer.len;
    if ((g = ts_mem_alloc(sizeof(*g) + text)) == NULL)
        return &lost;
    g->count = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct ts_str from = list[i].pointer;

        g->list[i] = list[i];
        g->list[i].pointer.ptr = g->text + at;
        if (from.len > 0)
            memcpy(g->text + at, from.ptr, from.len);
        at += from.len;
    }
    return g;
}

void prov_given_free(const struct prov_given *g)
{
    if (g != &lost)
        ts_mem_free((void *)(uintptr_t)g);
}

bool prov_given_is_untrusted(const struct prov_given *g)
{
    bool any = g != NULL && g->is_lost;

    for (uint32_t i = 0; g != NULL && i < g->count; i++)
        any = any || g->list[i].source == PROV_UNTRUSTED;
    return any;
}

enum prov_confidentiality prov_given_level(const struct prov_given *g)
{
    enum prov_confidentiality level =
        g != NULL && g->is_lost ? PROV_SECRET : PROV_PUBLIC;

    for (uint32_t i = 0; g != NULL && i < g->count; i++)
        if (!g->list[i].is_sealed && g->list[i].level > level)
            level = g->list[i].level;
    return level;
}
