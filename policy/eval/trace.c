/* What the traced evaluator writes down: see trace.h. */
#include "policy/eval/trace.h"

#include <string.h>

#define NOWHERE UINT32_MAX

/* Clauses are numbered in the order of the text, so what is below one follows
 * it directly and names it or a later one as its parent. */
static uint32_t end_of(const struct ev_trace *tr, uint32_t clause)
{
    uint32_t i = clause + 1;

    while (i < tr->count && tr->clauses[i].parent != NOWHERE &&
           tr->clauses[i].parent >= clause)
        i++;
    return i;
}

static bool has_clauses(const struct ev_node *n)
{
    return n->op == EV_AND || n->op == EV_OR || n->op == EV_NOT ||
           n->op == EV_IF;
}

void ev_trace_enter(struct ev *ev, const struct ev_node *n,
                    struct ev_trace_at *at)
{
    struct ev_trace *tr = ev->trace;

    at->clause = NOWHERE;
    if (tr->leaf != NOWHERE)
        return;
    at->clause = tr->next++;
    if (has_clauses(n))
        return;
    tr->leaf = at->clause;
    tr->inside = 0;
    tr->operands = NULL;
    tr->operand_count = tr->operand_cap = 0;
}

void ev_trace_leave(struct ev *ev, const struct ev_trace_at *at,
                    enum ev_truth t)
{
    struct ev_trace *tr = ev->trace;
    struct cedar_clause_result *r;

    if (at->clause == NOWHERE)
        return;
    r = &tr->results[at->clause];
    tr->next = end_of(tr, at->clause);
    r->outcome =
        t == EV_FAIL ? CEDAR_FAILED : (t == EV_TRUE ? CEDAR_TRUE : CEDAR_FALSE);
    if (t == EV_FAIL && tr->failed == NOWHERE)
        tr->failed = at->clause;
    if (tr->leaf == at->clause) {
        r->operands = tr->operands;
        r->operand_count = tr->operand_count;
        tr->leaf = NOWHERE;
    }
}

void ev_trace_skip(struct ev *ev)
{
    struct ev_trace *tr = ev->trace;

    if (tr->leaf == NOWHERE)
        tr->next = end_of(tr, tr->next);
}

static const char *const vars[] = {"principal", "action", "resource",
                                   "context"};

static struct ts_str var_name(uint32_t var)
{
    return ts_str_of(vars[var]);
}

/* "context.args.path"; made only here, so that a set does not keep it. */
static ts_err path_text(const struct ev *ev, uint32_t path, struct ts_str *ret)
{
    const struct ev_path *paths = ev->p->paths;
    struct ts_str var;
    size_t len = 0;
    uint32_t i;
    void *mem;
    char *end;
    ts_err e;

    for (i = path; i < EV_PATH_VAR; i = paths[i].parent)
        len += 1 + paths[i].attr.len;
    var = var_name(i - EV_PATH_VAR);
    len += var.len;
    if ((e = ts_arena_alloc(ev->arena, len, &mem)) != TS_OK)
        return e;
    memcpy(mem, var.ptr, var.len);
    end = (char *)mem + len;
    for (i = path; i < EV_PATH_VAR; i = paths[i].parent) {
        end -= paths[i].attr.len;
        if (paths[i].attr.len > 0)
            memcpy(end, paths[i].attr.ptr, paths[i].attr.len);
        *--end = '.';
    }
    *ret = (struct ts_str){.ptr = mem, .len = len};
    return TS_OK;
}

static ts_err room(const struct ev *ev)
{
    struct ev_trace *tr = ev->trace;
    uint32_t cap = tr->operand_cap == 0 ? 2 : tr->operand_cap * 2;
    void *mem;
    ts_err e;

    if (tr->operand_count < tr->operand_cap)
        return TS_OK;
    e = ts_arena_array(ev->arena, cap, sizeof(*tr->operands), &mem);
    if (e != TS_OK)
        return e;
    if (tr->operand_count > 0)
        memcpy(mem, tr->operands, tr->operand_count * sizeof(*tr->operands));
    tr->operands = mem;
    tr->operand_cap = cap;
    return TS_OK;
}

bool ev_trace_operand(struct ev *ev, uint32_t node, const struct cedar_value *v)
{
    struct ev_trace *tr = ev->trace;
    const struct ev_node *n = &ev->p->nodes[node];
    const struct ev_span *s = &ev->p->spans[node];
    struct cedar_operand op = {.value = *v};
    ts_err e = room(ev);

    if (e == TS_OK && n->op == EV_PATH)
        e = path_text(ev, n->a, &op.path);
    if (e != TS_OK)
        return ev_fatal(ev, e);
    if (n->op == EV_VAR)
        op.path = var_name(n->sub);
    op.span = (struct cedar_span){.source = tr->source,
                                  .offset = s->offset,
                                  .len = s->len,
                                  .line = s->line,
                                  .column = s->column};
    tr->operands[tr->operand_count++] = op;
    return true;
}
