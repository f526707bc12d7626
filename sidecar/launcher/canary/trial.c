#include "sidecar/launcher/canary/trial.h"

#include <stddef.h>
#include <stdio.h>

#include "sidecar/launcher/canary/verdicts.h"

struct trial trial_judge(const struct trial_report *r)
{
    uint64_t could = 0;
    struct trial t = {.end = TRIAL_NOT_UNDERSTOOD};

    if (!r->in_time) {
        t.end = TRIAL_TIME;
        return t;
    }
    if (r->exit_code != 0 || !canary_parse(r->out, &could))
        return t;
    t.holes = canary_holes(could, r->layers, r->gives);
    t.end = t.holes == 0 ? TRIAL_GOOD : TRIAL_HOLE;
    t.is_expected = t.holes == CANARY(REACH_NETWORK) &&
                    (r->gives & CANARY(SOCKET_INET)) != 0 &&
                    (r->layers & LAYER_NET_NS) == 0;
    return t;
}

void trials_apply(const struct trials *t, struct level_offer *io)
{
    for (int i = 0; i < LEVEL_COUNT; i++) {
        if (t->level[i].end == TRIAL_GOOD)
            continue;
        io->given[i] = false;
        io->layers[i] = io->weakened[i] = 0;
    }
}

/* holes is not 0. */
static enum canary_bit first_of(uint64_t holes)
{
    unsigned b = 0;

    while (b + 1 < CANARY_BITS && (holes >> b & 1) == 0)
        b++;
    return (enum canary_bit)b;
}

static const char *hole_step(uint64_t holes)
{
    static const char *const steps[] = {
#define X(id, text) [CANARY_BIT_##id] = "canary:" #id,
        CANARY_MAP(X)
#undef X
    };

    return steps[first_of(holes)];
}

const char *trial_step(const struct trial *t)
{
    switch (t->end) {
    case TRIAL_GOOD:
        return NULL;
    case TRIAL_HOLE:
        return hole_step(t->holes);
    case TRIAL_TIME:
        return "canary:time";
    case TRIAL_NOT_UNDERSTOOD:
        return "canary:output";
    case TRIAL_NONE:
    case TRIAL_NO_START:
        break;
    }
    return "canary:start";
}

static const struct manifest *manifest_of(const struct order_context *c,
                                          const struct order *o)
{
    const struct manifests *all =
        c->current->generation == o->generation ? c->current
        : c->previous != NULL && c->previous->generation == o->generation
            ? c->previous
            : NULL;

    return all != NULL ? manifests_find(all, o->tool) : NULL;
}

void trials_explain(const struct trials *t, const struct order_context *c,
                    const struct order *o, struct order_refusal *io)
{
    struct order_context before = *c;
    const struct manifest *m = manifest_of(c, o);
    struct order_refusal ignored;
    enum box_level at;
    const char *step;

    before.offer = &t->before;
    if (io->code != CODE_SANDBOX_UNAVAILABLE || m == NULL ||
        order_level(&before, m, o, &at, &ignored) != TS_OK ||
        (step = trial_step(&t->level[at])) == NULL)
        return;
    io->step = step;
    (void)snprintf(io->text, sizeof(io->text),
                   "the canary in a box of level %s %s%s, so this level is "
                   "not served; the service's log and tipstaff doctor say more",
                   box_level_name(at),
                   t->level[at].end == TRIAL_HOLE ? "could " : "did not ",
                   t->level[at].end == TRIAL_HOLE
                       ? canary_what(first_of(t->level[at].holes))
                       : "report as it should");
}
