/* What asking, answering and ending share. */
#include "sidecar/gate/asking/approvals.h"

#include <string.h>

#include "proto/base/ts_mem.h"
#include "sidecar/gate/approve/firsts.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/decide/decide.h"
#include "sidecar/gate/people/snapshot.h"

static void release(struct ticket_keep *k)
{
    verified_release(k->verified);
    ts_mem_free(k);
}

ts_err approvals_new(struct approvals **ret)
{
    struct approvals *a = ts_mem_alloc(sizeof(*a));
    ts_err e;

    if (a == NULL)
        return TS_E_NOMEM;
    if ((e = tickets_new(release, &a->tickets)) != TS_OK ||
        (e = firsts_new(&a->firsts)) != TS_OK) {
        approvals_free(a);
        return e;
    }
    *ret = a;
    return TS_OK;
}

void approvals_free(struct approvals *a)
{
    if (a == NULL)
        return;
    while (a->held != NULL) {
        struct held *h = a->held;

        a->held = h->next;
        ts_mem_free(h);
    }
    tickets_free(a->tickets);
    firsts_free(a->firsts);
    ts_mem_free(a);
}

uint32_t approvals_waiting(const struct gate *g)
{
    return tickets_count(g->approvals->tickets);
}

uint32_t approvals_held(const struct gate *g)
{
    return g->approvals->held_count;
}

uint64_t approvals_epoch(const struct gate *g, const struct snapshot_tenant *t)
{
    return g->snapshot->generation + (t->people != NULL ? t->people->seq : 0);
}

void approvals_void(struct gate *g, struct pending *p, enum ticket_end why)
{
    tickets_void(g->approvals->tickets, p, why, gate_now(g).unix_ms / 1000);
}

void approvals_void_expired(struct gate *g)
{
    struct pending *p;

    while ((p = tickets_expired(g->approvals->tickets,
                                gate_now(g).unix_ms / 1000)) != NULL)
        approvals_void(g, p, TICKET_END_EXPIRED);
}

uint32_t approvals_names(const struct pending *p,
                         struct ts_str ret[TICKET_PEOPLE_MAX])
{
    const struct approval_tally *t = pending_tally(p);

    for (uint32_t i = 0; i < t->people_count; i++)
        ret[i] = (struct ts_str){.ptr = t->people[i].person,
                                 .len = t->people[i].person_len};
    return t->people_count;
}

size_t approvals_small_letters(const char *name, char *ret, size_t cap)
{
    size_t n = 0;

    for (; name[n] != '\0' && n < cap; n++)
        ret[n] = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] + 'a' - 'A')
                                                  : name[n];
    return n;
}
