#include "sidecar/sandbox/lint.h"

#include <string.h>

static bool may_allow(const struct sandbox_call *c)
{
    if (c == NULL)
        return false;
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->clauses[i].action == SANDBOX_ALLOW)
            return true;
        if (c->clauses[i].count == 0)
            return false; /* decides always: what follows is never reached */
    }
    return c->action == SANDBOX_ALLOW;
}

bool sandbox_hole_is_open(const struct sandbox_hole *h,
                          const struct sandbox_calls *calls,
                          const struct sandbox_model *m)
{
    int i = sandbox_calls_find(calls, ts_str_of(h->call));
    int nr = i < 0 ? -1 : calls->list[i].nr[m->arch];

    if (nr < 0)
        return false;
    if (h->any)
        return may_allow(m->by_nr[nr]);
    return sandbox_model_eval(m, sandbox_arch_audit(m->arch), (uint32_t)nr,
                              h->args) == SANDBOX_ALLOW;
}

const char *sandbox_severity_name(enum sandbox_severity s)
{
    static const char *const names[] = {
        [SANDBOX_SURFACE] = "surface",
        [SANDBOX_WEAKER] = "weaker",
        [SANDBOX_ESCAPE] = "escape",
    };

    return names[s];
}

bool sandbox_hole_exists(struct ts_str name)
{
    for (const struct sandbox_hole *h = sandbox_holes; h->name != NULL; h++) {
        if (ts_str_eq_c(name, h->name))
            return true;
    }
    return false;
}

const char *sandbox_hole_near(struct ts_str name)
{
    const char *best = NULL;
    uint32_t least = UINT32_MAX;

    for (const struct sandbox_hole *h = sandbox_holes; h->name != NULL; h++) {
        if (sandbox_is_near(name, ts_str_of(h->name), &least))
            best = h->name;
    }
    return best;
}
