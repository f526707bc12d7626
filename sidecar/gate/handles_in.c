#include "sidecar/gate/handles_in.h"

#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/decide/handles.h"
#include "sidecar/gate/running/running.h"

/* An output that is not kept yet is another matter than one that is gone. */
static bool still_runs(const struct client *c, uint32_t call)
{
    const struct gate *g = c->gate;

    for (uint32_t i = 0; c->task != NULL && i < TS_CALLS_MAX; i++)
        if (g->runs[i].used && g->runs[i].task == c->task &&
            g->runs[i].ref == call)
            return true;
    return false;
}

bool handles_in_put(struct client *c, struct call_input *call, char *why,
                    size_t cap)
{
    struct resolved r;
    ts_err e;

    if (call->already_denied != CODE_PERMITTED)
        return false;
    e = handles_resolve(c->task, call->args, &c->gate->arena, &r, why, cap);
    if (e == TS_E_INVALID) {
        call->already_denied = r.refused;
        call->denied_why = why;
        if (r.refused == CODE_HANDLE_GONE && still_runs(c, r.refused_call)) {
            call->already_denied = CODE_HANDLE_RUNNING;
            call->denied_why = NULL; /* the code's own text says it */
        }
        return false;
    }
    if (e != TS_OK) {
        call->already_denied = CODE_INTERNAL;
        return false;
    }
    call->args = r.args;
    call->handles = r.list;
    call->handle_count = r.count;
    return call_handles_seal(r.list, r.count);
}
