/* The evaluator that decides: see eval_body.inc. */
#define EV_TRACED 0
#include "policy/eval/eval_body.inc"

void ev_init(struct ev *ev, const struct cedar_policies *p,
             const struct cedar_entities *store,
             const struct cedar_request *req, struct ts_arena *arena)
{
    ev->p = p;
    ev->store = store;
    ev->req = req;
    ev->arena = arena;
    ev->fatal = TS_OK;
    ev->depth = 0;
    ev->work = 0;
    ev->work_max = CEDAR_WORK_BASE + (uint64_t)p->count * CEDAR_WORK_PER_POLICY;
    ev->trace = NULL;
    ev->resolved = 0;
    ev->vars[EV_PRINCIPAL].kind = CEDAR_ENTITY;
    ev->vars[EV_PRINCIPAL].as.uid = &req->principal;
    ev->vars[EV_ACTION].kind = CEDAR_ENTITY;
    ev->vars[EV_ACTION].as.uid = &req->action;
    ev->vars[EV_RESOURCE].kind = CEDAR_ENTITY;
    ev->vars[EV_RESOURCE].as.uid = &req->resource;
    ev->vars[EV_CONTEXT] = req->context;
    ev->entities[EV_PRINCIPAL] = ev_lookup(ev, &req->principal);
    ev->entities[EV_ACTION] = ev_lookup(ev, &req->action);
    ev->entities[EV_RESOURCE] = ev_lookup(ev, &req->resource);
}

enum ev_truth ev_condition(struct ev *ev, uint32_t node)
{
    return test(ev, node);
}
