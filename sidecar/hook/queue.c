#include "sidecar/hook/queue.h"

#include <string.h>

#include "proto/base/ts_mem.h"

#define MINUTE_MS 60000u

struct asked { /* waits to be told */
    uint64_t serial;
    uint8_t id[16];
    char tenant[TS_ID_MAX];
    size_t tenant_len;
    void *object; /* owned; NULL: the place is free */
    size_t object_len;
};

struct told {        /* was told, and has not ended or is to be told so */
    uint64_t serial; /* 0: the place is free */
    uint8_t id[16];
    char tenant[TS_ID_MAX];
    size_t tenant_len;
    enum hook_event ended; /* HOOK_NO_EVENT: not yet */
    char why[TS_CODE_MAX];
    size_t why_len;
    uint32_t people;
};

struct hook_queue {
    struct asked asked[HOOK_QUEUED_MAX];
    struct told told[HOOK_TOLD_MAX];
    uint32_t ends; /* told that have ended */
    uint64_t serial;
    char last[TS_ID_MAX]; /* the tenant whose turn was last */
    size_t last_len;
    uint64_t cost_ms, credit_ms, credit_max, at_ms;
    uint64_t left_out, unsaid;
};

const char *hook_event_name(enum hook_event e)
{
    static const char *const names[HOOK_EVENT_COUNT_] = {
        [HOOK_PENDING] = "pending",
        [HOOK_APPROVED] = "approved",
        [HOOK_DENIED] = "denied",
        [HOOK_EXPIRED] = "expired",
        [HOOK_WITHDRAWN] = "withdrawn"};

    return e >= HOOK_PENDING && e < HOOK_EVENT_COUNT_ ? names[e] : "unknown";
}

void hook_job_done(struct hook_job *j)
{
    ts_mem_free(j->object);
    j->object = NULL;
}

ts_err hook_queue_new(uint32_t per_minute, uint64_t now_ms,
                      struct hook_queue **ret)
{
    struct hook_queue *q = ts_mem_alloc(sizeof(*q));

    if (q == NULL)
        return TS_E_NOMEM;
    q->cost_ms = per_minute < MINUTE_MS ? MINUTE_MS / per_minute : 1;
    q->credit_max = q->cost_ms * HOOK_BURST;
    if (q->credit_max > MINUTE_MS)
        q->credit_max = MINUTE_MS;
    q->credit_ms = q->credit_max;
    q->at_ms = now_ms;
    *ret = q;
    return TS_OK;
}

void hook_queue_free(struct hook_queue *q)
{
    if (q == NULL)
        return;
    for (size_t i = 0; i < HOOK_QUEUED_MAX; i++)
        ts_mem_free(q->asked[i].object);
    ts_mem_free(q);
}

static struct ts_str tenant_of(const struct asked *a)
{
    return (struct ts_str){a->tenant, a->tenant_len};
}

static void leave_out(struct hook_queue *q)
{
    q->left_out++;
    q->unsaid++;
}

static size_t keep(char *to, size_t max, struct ts_str s)
{
    size_t n = s.len < max ? s.len : max;

    if (n > 0)
        memcpy(to, s.ptr, n);
    return n;
}

ts_err hook_queue_ask(struct hook_queue *q, struct ts_str tenant,
                      const uint8_t decision_id[16], struct ts_bytes object)
{
    struct asked *place = NULL;
    uint32_t of_tenant = 0;
    void *copy;

    for (size_t i = 0; i < HOOK_QUEUED_MAX; i++) {
        struct asked *a = &q->asked[i];

        if (a->object == NULL)
            place = a;
        else if (ts_str_eq(tenant_of(a), tenant))
            of_tenant++;
    }
    if (place == NULL || of_tenant >= HOOK_TENANT_MAX ||
        tenant.len > TS_ID_MAX || object.len == 0) {
        leave_out(q);
        return TS_OK;
    }
    copy = ts_mem_alloc(object.len);
    if (copy == NULL) {
        leave_out(q);
        return TS_E_NOMEM;
    }
    memcpy(copy, object.ptr, object.len);
    *place = (struct asked){
        .serial = ++q->serial, .object = copy, .object_len = object.len};
    memcpy(place->id, decision_id, sizeof(place->id));
    place->tenant_len = keep(place->tenant, sizeof(place->tenant), tenant);
    return TS_OK;
}

/* None: nothing that people have to know; they are asked no more, or still. */
static enum hook_event event_of(struct ts_str what)
{
    static const struct {
        const char *what;
        enum hook_event event;
    } ends[] = {{"granted", HOOK_APPROVED},
                {"taken", HOOK_APPROVED},
                {"denied", HOOK_DENIED},
                {"expired", HOOK_EXPIRED},
                {"withdrawn", HOOK_WITHDRAWN},
                {"revoked", HOOK_WITHDRAWN},
                {"policies_changed", HOOK_WITHDRAWN}};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (ts_str_eq_c(what, ends[i].what))
            return ends[i].event;
    return HOOK_NO_EVENT;
}

void hook_queue_news(struct hook_queue *q, const struct admin_ticket_news *m)
{
    enum hook_event e = event_of(m->what);

    if (e == HOOK_NO_EVENT)
        return;
    for (size_t i = 0; i < HOOK_QUEUED_MAX; i++) {
        struct asked *a = &q->asked[i];

        if (a->object != NULL && memcmp(a->id, m->decision_id, 16) == 0) {
            ts_mem_free(a->object);
            a->object = NULL;
            return;
        }
    }
    for (size_t i = 0; i < HOOK_TOLD_MAX; i++) {
        struct told *t = &q->told[i];

        if (t->serial == 0 || t->ended != HOOK_NO_EVENT ||
            memcmp(t->id, m->decision_id, 16) != 0)
            continue;
        t->ended = e;
        t->serial = ++q->serial; /* ends are told in their order */
        t->people = m->people;
        t->why_len = keep(t->why, sizeof(t->why), m->what);
        q->ends++;
        return;
    }
}

/* A place among those that were told: a free one, or that of the oldest. */
static struct told *told_place(struct hook_queue *q)
{
    struct told *oldest = NULL;

    for (size_t i = 0; i < HOOK_TOLD_MAX; i++) {
        struct told *t = &q->told[i];

        if (t->serial == 0)
            return t;
        if (oldest == NULL || t->serial < oldest->serial)
            oldest = t;
    }
    if (oldest->ended != HOOK_NO_EVENT)
        q->ends--;
    return oldest;
}

static bool next_end(struct hook_queue *q, struct hook_job *ret)
{
    struct told *first = NULL;

    for (size_t i = 0; q->ends > 0 && i < HOOK_TOLD_MAX; i++) {
        struct told *t = &q->told[i];

        if (t->serial != 0 && t->ended != HOOK_NO_EVENT &&
            (first == NULL || t->serial < first->serial))
            first = t;
    }
    if (first == NULL)
        return false;
    *ret = (struct hook_job){.event = first->ended, .people = first->people};
    memcpy(ret->decision_id, first->id, sizeof(first->id));
    ret->tenant_len =
        keep(ret->tenant, sizeof(ret->tenant),
             (struct ts_str){.ptr = first->tenant, .len = first->tenant_len});
    ret->why_len = keep(ret->why, sizeof(ret->why),
                        (struct ts_str){first->why, first->why_len});
    first->serial = 0;
    q->ends--;
    return true;
}

/* The oldest of another tenant than the last, or else of that one. */
static struct asked *next_asked(struct hook_queue *q)
{
    const struct ts_str last = {q->last, q->last_len};
    struct asked *oldest = NULL, *other = NULL;

    for (size_t i = 0; i < HOOK_QUEUED_MAX; i++) {
        struct asked *a = &q->asked[i];

        if (a->object == NULL)
            continue;
        if (oldest == NULL || a->serial < oldest->serial)
            oldest = a;
        if (!ts_str_eq(tenant_of(a), last) &&
            (other == NULL || a->serial < other->serial))
            other = a;
    }
    return other != NULL ? other : oldest;
}

static uint64_t credit_at(const struct hook_queue *q, uint64_t now_ms)
{
    uint64_t passed = now_ms > q->at_ms ? now_ms - q->at_ms : 0;

    return passed > q->credit_max - q->credit_ms ? q->credit_max
                                                 : q->credit_ms + passed;
}

bool hook_queue_next(struct hook_queue *q, uint64_t now_ms,
                     struct hook_job *ret)
{
    struct asked *a;
    struct told *t;

    if (next_end(q, ret))
        return true;
    a = next_asked(q);
    if (a == NULL || credit_at(q, now_ms) < q->cost_ms)
        return false;
    q->credit_ms = credit_at(q, now_ms) - q->cost_ms;
    q->at_ms = now_ms;
    *ret = (struct hook_job){.event = HOOK_PENDING,
                             .more = q->unsaid,
                             .object = a->object,
                             .object_len = a->object_len};
    memcpy(ret->decision_id, a->id, sizeof(a->id));
    ret->tenant_len = keep(ret->tenant, sizeof(ret->tenant), tenant_of(a));
    t = told_place(q);
    *t = (struct told){.serial = ++q->serial};
    memcpy(t->id, a->id, sizeof(t->id));
    t->tenant_len = keep(t->tenant, sizeof(t->tenant), tenant_of(a));
    q->last_len = keep(q->last, sizeof(q->last), tenant_of(a));
    q->unsaid = 0;
    a->object = NULL; /* moved */
    return true;
}

uint64_t hook_queue_due(const struct hook_queue *q, uint64_t now_ms)
{
    uint64_t credit = credit_at(q, now_ms);

    if (q->ends > 0)
        return now_ms;
    for (size_t i = 0; i < HOOK_QUEUED_MAX; i++)
        if (q->asked[i].object != NULL)
            return credit >= q->cost_ms ? now_ms
                                        : now_ms + (q->cost_ms - credit);
    return UINT64_MAX;
}

uint64_t hook_queue_left_out(const struct hook_queue *q)
{
    return q->left_out;
}
