#include "sidecar/gate/escalate/refusals.h"

#include <string.h>

#define EVERY_NS (REFUSALS_EVERY_S * UINT64_C(1000000000))
#define FULL_NS  (REFUSALS_BURST * EVERY_NS)

static struct refusal_slot *slot_of(struct refusals *t, uint32_t uid,
                                    uint64_t now_ns)
{
    struct refusal_slot *free_one = NULL;

    for (uint32_t i = 0; i < REFUSALS_SLOTS; i++) {
        struct refusal_slot *s = &t->slots[i];

        if (s->used && s->uid == uid)
            return s;
        /* Who has a full bucket and nothing to tell need not be remembered. */
        if (free_one == NULL &&
            (!s->used || (!s->waits && s->full_ns <= now_ns)))
            free_one = s;
    }
    if (free_one == NULL)
        return &t->slots[uid % REFUSALS_SLOTS];
    *free_one = (struct refusal_slot){.used = true};
    return free_one;
}

static struct ts_str kept(char *at, struct ts_str s)
{
    size_t n = s.len < TS_ID_MAX ? s.len : TS_ID_MAX;

    if (n > 0)
        memcpy(at, s.ptr, n);
    return (struct ts_str){.ptr = at, .len = n};
}

void refusals_note(struct refusals *t, uint32_t uid, const struct refusal *r,
                   uint64_t now_ns)
{
    struct refusal_slot *s = slot_of(t, uid, now_ns);

    if (s->waits)
        s->left_out++;
    s->waits = true;
    s->uid = uid;
    s->last = *r;
    s->last.code = kept(s->text[0], r->code);
    s->last.tenant = kept(s->text[1], r->tenant);
    s->last.user = kept(s->text[2], r->user);
    s->last.agent = kept(s->text[3], r->agent);
    s->last.task = kept(s->text[4], r->task);
}

struct refusal_slot *refusals_next(struct refusals *t, uint64_t now_ns,
                                   bool all)
{
    for (uint32_t i = 0; i < REFUSALS_SLOTS; i++) {
        struct refusal_slot *s = &t->slots[i];

        if (s->waits && (all || s->full_ns <= now_ns ||
                         s->full_ns - now_ns <= FULL_NS - EVERY_NS))
            return s;
    }
    return NULL;
}

void refusals_told(struct refusal_slot *s, uint64_t now_ns)
{
    s->waits = false;
    s->left_out = 0;
    s->full_ns = (s->full_ns > now_ns ? s->full_ns : now_ns) + EVERY_NS;
}
