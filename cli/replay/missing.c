#include "cli/replay/missing.h"

#include <string.h>

static bool has_kind(const struct traces *t, enum traces_kind k)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->records[i].kind == k)
            return true;
    return false;
}

static bool has_delegations(const struct traces *t, enum traces_label l)
{
    size_t i;
    json_t *o;

    json_array_foreach(t->delegations, i, o)
    {
        const char *s = json_string_value(json_object_get(o, "labels"));

        if (s != NULL && strcmp(s, traces_label_name(l)) == 0)
            return true;
    }
    return false;
}

static bool has_reference(const struct traces *t, enum traces_label l,
                          const char *policy)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->records[i].kind != TRACES_RUN &&
            traces_reference(t, policy, l, &t->records[i]) != NULL)
            return true;
    return false;
}

void missing_of(const struct traces *t, enum traces_label l, const char *policy,
                struct missing ret[MISSING_MAX + 1])
{
    const struct {
        bool there;
        struct missing what;
    } all[MISSING_MAX] = {
        {has_kind(t, TRACES_TASK),
         {"user_tasks",
          "nothing is said of autonomy and of an adaptive agent"}},
        {has_kind(t, TRACES_PAIR),
         {"attack_pairs", "nothing is said of attacks"}},
        {has_kind(t, TRACES_RUN),
         {"recorded_runs",
          "nothing is said of recorded runs and recorded attacks"}},
        {has_delegations(t, l),
         {"delegations", "with these labels only reads are delegated"}},
        {has_reference(t, l, policy),
         {"reference_decisions",
          "with these labels nothing is compared with this policy"}},
        {json_array_size(t->identities) > 0,
         {"labels.json", "no name and address is the user's own"}}};
    size_t n = 0;

    for (size_t i = 0; i < MISSING_MAX; i++)
        if (!all[i].there)
            ret[n++] = all[i].what;
    ret[n] = (struct missing){.name = NULL};
}
