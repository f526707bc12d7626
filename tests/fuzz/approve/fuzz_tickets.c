/* The table of tickets, driven by any sequence of questions, answers, ends and
 * time, beside a model that knows of each who has said what. */
#include <stdint.h>
#include <string.h>

#include "approval_world.h"
#include "proto/base/ts_require.h"
#include "sidecar/gate/approve/tickets.h"

#define CALLS 32u /* different ones, eight of a grant and a few more */
#define STEPS 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct model {         /* of one call */
    struct pending *p; /* NULL: nobody was asked */
    uint8_t decision_id[16];
    bool bob, carol, no, gone;
    uint64_t expires, cool_until;
};
struct run {
    struct approval_world w;
    struct tickets *t;
    struct model m[CALLS];
    uint64_t now;
    uint32_t made;
    int released;
};

struct ticket_keep {
    struct run *r;
};

static void release(struct ticket_keep *k)
{
    k->r->released++;
}

static void call_of(struct run *r, uint32_t i)
{
    struct ticket *t = &r->w.ticket;

    t->grant_id[0] = (uint8_t)(i / 12);
    t->policy_epoch = i + 1; /* another call each */
    t->created = r->now;
    t->expires = r->now + 600;
    memcpy(t->decision_id, &r->made, sizeof(r->made));
}

static uint32_t of_grant(const struct run *r, uint32_t i)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < CALLS; k++)
        n += r->m[k].p != NULL && k / 12 == i / 12;
    return n;
}

static bool is_granted(const struct model *m)
{
    return m->p != NULL && !m->gone && m->bob && m->carol && !m->no;
}

static void ask(struct run *r, uint32_t i, struct ticket_keep *keep)
{
    static const uint8_t chain[TRUST_HASH_LEN] = {1};
    struct model *m = &r->m[i];
    enum ticket_asked asked = TICKET_ASKED_COUNT_;
    struct pending *p = NULL;
    struct ticket_key key;

    if (m->p != NULL && (m->gone || r->now >= m->expires))
        return; /* one at a time in the model */
    r->made++;
    call_of(r, i);
    approval_world_ticket(&r->w);
    ticket_key_of(&r->w.ticket, chain, &key);
    TS_REQUIRE(tickets_ask(r->t, &key,
                           (struct ts_bytes){ts_buf_bytes(&r->w.ticket_body),
                                             r->w.ticket_body.len},
                           r->now, &asked, &p) == TS_OK);
    if (m->p != NULL) {
        TS_REQUIRE(asked == (m->no           ? TICKET_ASKED_COOLING
                             : is_granted(m) ? TICKET_ASKED_GRANTED
                                             : TICKET_ASKED_SAME));
        TS_REQUIRE(p == (m->no ? NULL : m->p));
    } else if (r->now < m->cool_until) {
        TS_REQUIRE(asked == TICKET_ASKED_COOLING && p == NULL);
    } else if (asked == TICKET_ASKED_NEW) {
        TS_REQUIRE(of_grant(r, i) < TICKETS_PER_GRANT);
        *m = (struct model){.p = p, .expires = r->now + 600};
        memcpy(m->decision_id, r->w.ticket.decision_id, 16);
        pending_keep(p, keep);
    } else {
        TS_REQUIRE(p == NULL && (asked == TICKET_ASKED_CROWDED ||
                                 asked == TICKET_ASKED_TOO_OFTEN));
        TS_REQUIRE(asked != TICKET_ASKED_CROWDED ||
                   of_grant(r, i) == TICKETS_PER_GRANT);
    }
}

static void answer(struct run *r, uint32_t i, uint32_t how)
{
    struct model *m = &r->m[i];
    enum approver_key who = (enum approver_key)(how % AP_COUNT_);
    bool no = (how & 16) != 0, bob = who == AP_BOB || who == AP_BOB_TOO;
    bool counts = bob || who == AP_CAROL;
    struct approval a;
    struct pending *p = NULL;
    enum approval_code c;

    if (m->p == NULL)
        return;
    memcpy(r->w.ticket_id, pending_id(m->p), TRUST_HASH_LEN);
    a = approval_world_says(&r->w, who);
    memcpy(a.ticket_id, pending_id(m->p), sizeof(a.ticket_id));
    memcpy(a.decision_id, m->decision_id, sizeof(a.decision_id));
    a.verdict = no ? APPROVAL_NO : APPROVAL_YES;
    a.iat = r->now;
    a.exp = r->now + 60;
    c = tickets_answer(r->t, &r->w.people, approval_world_sign(&r->w, &a, who),
                       r->now, &p, NULL);
    TS_REQUIRE((c == APPROVAL_E_UNKNOWN) == m->gone);
    if (m->gone || m->no || r->now >= m->expires || who == AP_NOBODY ||
        who == AP_FRANK || (!no && (bob ? m->bob : m->carol) && counts)) {
        TS_REQUIRE(c != APPROVAL_OK);
        return;
    }
    if (c != APPROVAL_OK)
        return;
    TS_REQUIRE(p == m->p && (counts || no));
    m->no = m->no || no;
    m->bob = m->bob || (bob && !no);
    m->carol = m->carol || (who == AP_CAROL && !no);
}

static void end(struct run *r, uint32_t i, uint32_t how)
{
    struct model *m = &r->m[i];
    enum ticket_end why = (enum ticket_end)(how % 6 + TICKET_END_TAKEN);
    int before = r->released;

    if (m->p == NULL)
        return;
    if ((how & 64) != 0) {
        tickets_void(r->t, m->p, why, r->now);
        if (!m->gone && why == TICKET_END_DENIED)
            m->cool_until = r->now + TICKETS_COOL_S;
        m->gone = true;
        return;
    }
    if (!m->gone && why == TICKET_END_DENIED)
        m->cool_until = r->now + TICKETS_COOL_S;
    tickets_end(r->t, m->p, why, r->now);
    TS_REQUIRE(r->released == before + 1);
    *m = (struct model){.cool_until = m->cool_until};
}

static void check(struct run *r)
{
    uint32_t count = 0, granted = 0, seen = 0;

    for (uint32_t i = 0; i < CALLS; i++) {
        const struct model *m = &r->m[i];

        if (m->p == NULL)
            continue;
        count++;
        granted += is_granted(m);
        TS_REQUIRE((pending_state(m->p) == TICKET_VOID) == m->gone);
        TS_REQUIRE((pending_state(m->p) == TICKET_GRANTED) == is_granted(m));
        TS_REQUIRE((tickets_find(r->t, m->decision_id) != NULL) == !m->gone);
        TS_REQUIRE(of_grant(r, i) <= TICKETS_PER_GRANT);
    }
    for (struct pending *p = tickets_after(r->t, NULL); p != NULL;
         p = tickets_after(r->t, p))
        seen++;
    TS_REQUIRE(tickets_count(r->t) == count && seen == count);
    TS_REQUIRE(tickets_granted(r->t) == granted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct run r;
    struct ticket_keep keep = {.r = &r};
    struct pending *p;

    memset(&r, 0, sizeof(r));
    approval_world_init(&r.w);
    r.now = AP_NOW;
    TS_REQUIRE(tickets_new(release, &r.t) == TS_OK);
    for (size_t i = 0; i + 3 <= len && i < STEPS * 3; i += 3) {
        uint32_t call = data[i + 1] % CALLS, how = data[i + 2];

        switch (data[i] % 6) {
        case 0:
        case 1:
            ask(&r, call, &keep);
            break;
        case 2:
        case 3:
            answer(&r, call, how);
            break;
        case 4:
            end(&r, call, how);
            break;
        default:
            r.now += how;
            while ((p = tickets_expired(r.t, r.now)) != NULL)
                for (uint32_t k = 0; k < CALLS; k++)
                    if (r.m[k].p == p)
                        end(&r, k, 64 + 2); /* void, expired */
            break;
        }
        check(&r);
    }
    tickets_free(r.t);
    approval_world_done(&r.w);
    return 0;
}
