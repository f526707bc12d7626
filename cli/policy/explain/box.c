/* What the satisfied permits of an answer demand of the box. */
#include "cli/policy/explain/view.h"

#include "cli/policy/json_out.h"
#include "sidecar/common/layer.h"
#include "sidecar/gate/people/box_demand.h"

/* False when the answer demands nothing, or its annotations mean nothing (then
 * `tipstaff policy check` says so). */
static bool demand_of(const struct explain_view *v, struct box_demand *ret)
{
    const struct box_demand *list = NULL;

    *ret = (struct box_demand){0};
    if (v->answer->decision != CEDAR_ALLOW ||
        box_demands_make(v->set->compiled, v->arena, &list) != TS_OK)
        return false;
    box_demands_add(list, v->answer, ret);
    return ret->box != BOX_ANY || ret->require != 0;
}

void explain_box_print(const struct explain_view *v)
{
    struct box_demand d;

    if (!demand_of(v, &d))
        return;
    (void)printf("%*sin a box at least %s", (int)v->indent, "",
                 box_level_name(d.box));
    for (uint32_t left = d.require; left != 0; left &= left - 1)
        (void)printf("%s%s", left == d.require ? ", with " : ", ",
                     layer_first(left));
    (void)fputc('\n', stdout);
}

void explain_box_json(struct json_out *j, const struct explain_view *v)
{
    struct box_demand d;

    if (!demand_of(v, &d))
        return;
    json_out_str(j, "box", ts_str_of(box_level_name(d.box)));
    json_out_array(j, "require");
    for (uint32_t left = d.require; left != 0; left &= left - 1)
        json_out_str(j, NULL, ts_str_of(layer_first(left)));
    json_out_end(j);
}
