#include "sidecar/gate/people/box_demand.h"

#include <string.h>

#include "sidecar/common/layer.h"

static bool parse_box(struct ts_str s, enum box_level *ret)
{
    enum box_level l = BOX_ANY;

    if (!box_level_parse(s, &l) || l == BOX_ANY)
        return false;
    *ret = l;
    return true;
}

/* Names with commas between them; blanks around a name do not count. */
static bool parse_layers(struct ts_str s, uint32_t *ret)
{
    uint32_t bits = 0;

    for (bool more = true; more;) {
        const char *comma = s.len > 0 ? memchr(s.ptr, ',', s.len) : NULL;
        struct ts_str one = s;
        uint32_t bit;

        more = comma != NULL;
        if (more) {
            one.len = (size_t)(comma - s.ptr);
            s.len -= one.len + 1;
            s.ptr = comma + 1;
        }
        while (one.len > 0 && one.ptr[0] == ' ') {
            one.ptr++;
            one.len--;
        }
        while (one.len > 0 && one.ptr[one.len - 1] == ' ')
            one.len--;
        if ((bit = layer_parse(one)) == 0)
            return false;
        bits |= bit;
    }
    *ret = bits;
    return true;
}

const char *box_demand_fault(struct ts_str key, struct ts_str value)
{
    enum box_level box;
    uint32_t layers;

    if (ts_str_eq_c(key, "sandbox") && !parse_box(value, &box))
        return "write one of bare, uid, full, strict";
    if (ts_str_eq_c(key, "require") && !parse_layers(value, &layers))
        return "write names of layers with commas between them, like "
               "@require(\"landlock,net_ns\"); tipstaff doctor lists them";
    return NULL;
}

const char *box_demand_policy_fault(const struct cedar_ast *ast, size_t index)
{
    static const char *const keys[] = {"sandbox", "require"};

    for (size_t k = 0; k < 2; k++) {
        struct ts_str value;

        if (!cedar_ast_annotation(ast, index, keys[k], &value))
            continue;
        if (cedar_ast_info(ast, index).effect == CEDAR_FORBID)
            return "a forbid starts no tool; put @sandbox and @require on a "
                   "permit";
        if (box_demand_fault(ts_str_of(keys[k]), value) != NULL)
            return box_demand_fault(ts_str_of(keys[k]), value);
    }
    return NULL;
}

static ts_err demand_of(const struct cedar_policies *p, size_t i,
                        struct box_demand *ret)
{
    struct ts_str value;

    if (cedar_policies_annotation(p, i, "sandbox", &value) &&
        !parse_box(value, &ret->box))
        return TS_E_FORMAT;
    if (cedar_policies_annotation(p, i, "require", &value) &&
        !parse_layers(value, &ret->require))
        return TS_E_FORMAT;
    return TS_OK;
}

ts_err box_demands_make(const struct cedar_policies *p, struct ts_arena *arena,
                        const struct box_demand **ret)
{
    size_t count = cedar_policies_count(p);
    struct box_demand *list = NULL;

    for (size_t i = 0; i < count; i++) {
        struct box_demand one = {0};
        void *mem;
        ts_err e = demand_of(p, i, &one);

        if (e != TS_OK)
            return e;
        if (one.box == BOX_ANY && one.require == 0)
            continue;
        if (list == NULL) {
            e = ts_arena_array(arena, count, sizeof(*list), &mem);
            if (e != TS_OK)
                return e;
            list = mem;
        }
        list[i] = one;
    }
    *ret = list;
    return TS_OK;
}

void box_demand_join(struct box_demand *to, const struct box_demand *more)
{
    if (more->box > to->box)
        to->box = more->box;
    to->require |= more->require;
}

void box_demands_add(const struct box_demand *demands,
                     const struct cedar_answer *answer, struct box_demand *to)
{
    if (demands == NULL)
        return;
    for (uint32_t i = 0; i < answer->permit_count; i++)
        box_demand_join(to, &demands[answer->satisfied_permits[i]]);
}
