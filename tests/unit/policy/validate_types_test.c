/* Laws of the type algebra, over all pairs and triples of a small universe. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "policy/validate/validate_priv.h"

#define MOST 64

static struct schema_entity ea, eb, ec;
static const struct schema_entity *const ab_list[] = {&ea, &eb};
static const struct schema_entity *const bc_list[] = {&eb, &ec};
static const struct cedar_type ab = {.kind = TYPE_ENTITY,
                                     .as.entities = {2, ab_list}};
static const struct cedar_type bc = {.kind = TYPE_ENTITY,
                                     .as.entities = {2, bc_list}};

struct universe {
    struct cedar_type types[MOST];
    struct cedar_attr attrs[MOST][2];
    struct cedar_attrs records[MOST];
    uint32_t count, used;
};

static void add(struct universe *u, struct cedar_type t)
{
    assert_true(u->count < MOST);
    u->types[u->count++] = t;
}

static void add_record(struct universe *u, const struct cedar_type *x,
                       bool x_required, const struct cedar_type *y, bool open)
{
    uint32_t n = u->used++;

    u->attrs[n][0] = (struct cedar_attr){TS_STR_LIT("x"), x, x_required};
    u->attrs[n][1] = (struct cedar_attr){TS_STR_LIT("y"), y, true};
    u->records[n] = (struct cedar_attrs){
        .count = y != NULL ? 2 : 1, .open = open, .list = u->attrs[n]};
    add(u,
        (struct cedar_type){.kind = TYPE_RECORD, .as.attrs = &u->records[n]});
}

static void entity_init(struct schema_entity *e, const char *name)
{
    *e = (struct schema_entity){.name = ts_str_of(name)};
    e->type.kind = TYPE_ENTITY;
}

static void universe_init(struct universe *u)
{
    static const struct schema_entity *const singles[] = {&ea, &eb, &ec};
    static const struct schema_entity *const *lists[] = {
        &singles[0], &singles[1], &singles[2]};

    memset(u, 0, sizeof(*u));
    entity_init(&ea, "A");
    entity_init(&eb, "B");
    entity_init(&ec, "C");
    for (int k = TYPE_NEVER; k <= TYPE_STRING; k++)
        add(u, (struct cedar_type){.kind = (enum cedar_type_kind)k});
    add(u, *v_ext_type(CEDAR_DECIMAL));
    add(u, *v_ext_type(CEDAR_DATETIME));
    add(u, v_any_entity);
    for (size_t i = 0; i < 3; i++)
        add(u, (struct cedar_type){.kind = TYPE_ENTITY,
                                   .as.entities = {1, lists[i]}});
    add(u, ab);
    add(u, bc);
    add(u, v_any_set);
    add(u, v_any_record);
    for (uint32_t i = 0, n = u->count; i < n; i++)
        if (u->types[i].kind != TYPE_SET)
            add(u,
                (struct cedar_type){.kind = TYPE_SET, .as.elem = &u->types[i]});
    for (int open = 0; open < 2; open++) {
        add_record(u, &v_long, true, NULL, open != 0);
        add_record(u, &v_long, false, NULL, open != 0);
        add_record(u, &v_true, true, NULL, open != 0);
        add_record(u, &v_bool, true, &v_string, open != 0);
        add_record(u, &ab, true, &v_string, open != 0);
        add_record(u, &bc, false, &v_string, open != 0);
    }
}

static void with_validate(void (*law)(struct validate *v,
                                      const struct universe *u))
{
    static struct universe u;
    struct validate v = {.work_max = CEDAR_VALIDATE_WORK};

    universe_init(&u);
    ts_arena_init(&v.temp, (size_t)64 << 20);
    law(&v, &u);
    assert_int_equal(v.err, TS_OK);
    ts_arena_done(&v.temp);
}

static void order(struct validate *v, const struct universe *u)
{
    for (int strict = 0; strict < 2; strict++)
        for (uint32_t i = 0; i < u->count; i++) {
            const struct cedar_type *a = &u->types[i];

            assert_true(v_subtype(v, a, a, strict != 0));
            assert_true(v_subtype(v, &v_never, a, strict != 0));
            for (uint32_t j = 0; j < u->count; j++) {
                const struct cedar_type *b = &u->types[j];

                if (!v_subtype(v, a, b, strict != 0))
                    continue;
                assert_true(v_subtype(v, a, b, false));
                for (uint32_t k = 0; k < u->count; k++)
                    if (v_subtype(v, b, &u->types[k], strict != 0))
                        assert_true(v_subtype(v, a, &u->types[k], strict != 0));
            }
        }
}

static void subtype_is_an_order_and_strict_is_part_of_permissive(void **state)
{
    (void)state;
    with_validate(order);
}

static void bounds(struct validate *v, const struct universe *u)
{
    enum lub_help why;

    for (int strict = 0; strict < 2; strict++)
        for (uint32_t i = 0; i < u->count; i++)
            for (uint32_t j = 0; j < u->count; j++) {
                const struct cedar_type *a = &u->types[i], *b = &u->types[j];
                const struct cedar_type *x = v_lub(v, a, b, strict != 0, &why);
                const struct cedar_type *y = v_lub(v, b, a, strict != 0, &why);

                assert_true((x == NULL) == (y == NULL));
                if (x == NULL)
                    continue;
                assert_true(v_subtype(v, x, y, false));
                assert_true(v_subtype(v, y, x, false));
                assert_true(v_subtype(v, a, x, strict != 0));
                assert_true(v_subtype(v, b, x, strict != 0));
                assert_non_null(v_lub(v, a, b, false, &why));
                /* The least one: below whatever is above both. */
                for (uint32_t k = 0; k < u->count; k++)
                    if (v_subtype(v, a, &u->types[k], strict != 0) &&
                        v_subtype(v, b, &u->types[k], strict != 0))
                        assert_true(v_subtype(v, x, &u->types[k], strict != 0));
            }
}

static void lub_is_the_least_upper_bound_both_ways(void **state)
{
    (void)state;
    with_validate(bounds);
}

static void apart(struct validate *v, const struct universe *u)
{
    for (uint32_t i = 0; i < u->count; i++)
        for (uint32_t j = 0; j < u->count; j++) {
            const struct cedar_type *a = &u->types[i], *b = &u->types[j];

            assert_true(v_disjoint(v, a, b) == v_disjoint(v, b, a));
            if (a->kind != TYPE_NEVER && v_subtype(v, a, b, false))
                assert_false(v_disjoint(v, a, b));
        }
    assert_true(
        v_disjoint(v, &ab,
                   &(struct cedar_type){.kind = TYPE_ENTITY,
                                        .as.entities = {1, &bc_list[1]}}));
    assert_false(v_disjoint(v, &ab, &bc));
    assert_false(v_disjoint(v, &v_long, &v_string)); /* as Cedar has it */
}

static void disjoint_is_symmetric_and_never_true_of_related_types(void **state)
{
    (void)state;
    with_validate(apart);
}

static void lub_fails_with_a_reason(void **state)
{
    static struct universe u;
    struct validate v = {.work_max = CEDAR_VALIDATE_WORK};
    enum lub_help why;
    struct cedar_type a = {.kind = TYPE_ENTITY, .as.entities = {1, ab_list}};
    struct cedar_type b = {.kind = TYPE_ENTITY, .as.entities = {1, bc_list}};

    (void)state;
    universe_init(&u);
    ts_arena_init(&v.temp, 1 << 20);
    assert_null(v_lub(&v, &a, &b, true, &why));
    assert_int_equal(why, LUB_ENTITY_TYPE);
    assert_non_null(v_lub(&v, &a, &b, false, &why));
    assert_null(v_lub(&v, &a, &v_any_record, false, &why));
    assert_int_equal(why, LUB_ENTITY_RECORD);
    assert_null(v_lub(&v, &v_long, &v_string, false, &why));
    assert_int_equal(why, LUB_NONE);
    ts_arena_done(&v.temp);
}

static void work_beyond_the_limit_stops_everything(void **state)
{
    struct validate v = {.work = 1, .work_max = 1};
    enum lub_help why;

    (void)state;
    assert_false(v_subtype(&v, &v_long, &v_long, true));
    assert_int_equal(v.err, TS_E_LIMIT);
    assert_null(v_lub(&v, &v_true, &v_false, false, &why));
    assert_null(v_temp(&v, 1, 1));
    v = (struct validate){.depth = CEDAR_VALIDATE_DEPTH};
    assert_false(v_enter(&v));
    assert_int_equal(v.err, TS_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subtype_is_an_order_and_strict_is_part_of_permissive),
        cmocka_unit_test(lub_is_the_least_upper_bound_both_ways),
        cmocka_unit_test(disjoint_is_symmetric_and_never_true_of_related_types),
        cmocka_unit_test(lub_fails_with_a_reason),
        cmocka_unit_test(work_beyond_the_limit_stops_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
