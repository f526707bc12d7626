#include "sidecar/gate/wire/admin_tickets.h"

#include <string.h>

#include "proto/trust/signed.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/revocation/revoke_signed.h"

#define HIGH_WATER                                                             \
    262144u /* bytes queued; the rest follows when they are sent */

_Static_assert(TS_TICKET_MAX == SIGNED_TICKET_MAX &&
                   TS_APPROVAL_MAX == SIGNED_APPROVAL_MAX &&
                   TS_PEOPLE_MAX == TICKET_PEOPLE_MAX,
               "what a message may carry is what can be signed");

ts_err admin_watch_begin(const struct gate *g, uint32_t uid,
                         const struct admin_approvals *m, struct admin_watch *w)
{
    if (m->tenant.len > 0 && !operator_may(g, uid, m->tenant))
        return TS_E_DENIED;
    *w = (struct admin_watch){
        .listing = true, .watching = m->watch, .tenant_len = m->tenant.len};
    if (m->tenant.len > 0)
        memcpy(w->tenant, m->tenant.ptr, m->tenant.len);
    return TS_OK;
}

static bool may_see(const struct gate *g, uint32_t uid,
                    const struct admin_watch *w, const struct pending *p)
{
    struct ts_str tenant = pending_ticket(p)->tenant;
    struct ts_str only = {.ptr = w->tenant, .len = w->tenant_len};

    return (only.len == 0 || ts_str_eq(only, tenant)) &&
           (w->everything || operator_may(g, uid, tenant));
}

/* Signed anew for whoever looks: Ed25519 gives the same bytes each time. */
static ts_err show(const struct gate *g, const struct pending *p,
                   struct ts_buf *out)
{
    const struct approval_tally *t = pending_tally(p);
    struct admin_ticket m = {.stage = pending_state(p) == TICKET_GRANTED
                                          ? TICKET_STAGE_GRANTED
                                          : TICKET_STAGE_WAITING,
                             .people_count = t->people_count};
    struct ts_buf object;
    ts_err e;

    for (uint32_t i = 0; i < t->people_count; i++)
        m.people[i] =
            (struct admin_person){.person = {.ptr = t->people[i].person,
                                             .len = t->people[i].person_len},
                                  .rules = t->people[i].rules};
    ts_buf_init(&object, SIGNED_TICKET_MAX + 64);
    e = ticket_sign(pending_body(p), &g->key, &object);
    if (e == TS_OK) {
        m.object =
            (struct ts_bytes){.ptr = ts_buf_bytes(&object), .len = object.len};
        e = admin_ticket_send(out, &m);
    }
    ts_buf_done(&object);
    return e;
}

ts_err admin_watch_pump(struct gate *g, uint32_t uid, struct admin_watch *w,
                        struct ts_buf *out, bool *ret_more)
{
    const struct tickets *t = g->approvals->tickets;

    *ret_more = false;
    if (!w->listing && !w->watching)
        return TS_OK;
    for (struct pending *p = tickets_after(t, NULL); p != NULL;
         p = tickets_after(t, p)) {
        enum ticket_state s = pending_state(p);
        ts_err e;

        if (pending_serial(p) <= w->cursor)
            continue;
        if (out->len >= HIGH_WATER) {
            *ret_more = true;
            return TS_OK;
        }
        if ((s == TICKET_WAITING || s == TICKET_GRANTED) &&
            may_see(g, uid, w, p) && (e = show(g, p, out)) != TS_OK)
            return e;
        w->cursor = pending_serial(p);
    }
    if (!w->listing)
        return TS_OK;
    w->listing = false;
    return admin_empty_send(out, ADMIN_TICKETS_END);
}

ts_err admin_watch_news(const struct gate *g, uint32_t uid,
                        const struct admin_watch *w, const struct pending *p,
                        const char *what, struct ts_buf *out)
{
    const struct ticket *t = pending_ticket(p);
    struct admin_ticket_news m = {.tenant = t->tenant,
                                  .what = ts_str_of(what),
                                  .people = pending_tally(p)->people_count};

    if (!w->watching || pending_serial(p) > w->cursor || !may_see(g, uid, w, p))
        return TS_OK;
    memcpy(m.decision_id, t->decision_id, sizeof(m.decision_id));
    return admin_ticket_news_send(out, &m);
}
