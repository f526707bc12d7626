/* What a schema means once it is read. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "policy/core/limits.h"
#include "proto/base/ts_mem.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/policy_schema/schema_equal.h"
#include "tests/unit/policy_schema/schema_help.h"

static void names_resolve_inside_then_outside(void **state)
{
    struct cedar_schema *s = help_text(
        "entity User; type Name = String;"
        "namespace A { entity Doc { by: User, n: Name, o: Own, d: Doc, q: "
        "B::Doc, i: ipaddr }; type Own = Set<Doc>; }"
        "namespace B { entity Doc { o: A::Own, \"opt\"?: Long }; }");

    (void)state;
    assert_non_null(s);
    assert_string_equal(help_attr(s, "A::Doc", "by"), "User");
    assert_string_equal(help_attr(s, "A::Doc", "n"), "String");
    assert_string_equal(help_attr(s, "A::Doc", "o"), "Set<A::Doc>");
    assert_string_equal(help_attr(s, "A::Doc", "d"), "A::Doc");
    assert_string_equal(help_attr(s, "A::Doc", "q"), "B::Doc");
    assert_string_equal(help_attr(s, "A::Doc", "i"), "ipaddr");
    assert_string_equal(help_attr(s, "B::Doc", "o"), "Set<A::Doc>");
    assert_string_equal(help_attr(s, "B::Doc", "opt"), "?Long");
    assert_string_equal(help_attr(s, "B::Doc", "none"), "");
    assert_null(help_entity(s, "Doc"));
    cedar_schema_free(s);
}

static void declared_names_hide_those_of_the_language(void **state)
{
    struct cedar_schema *s = help_text(
        "entity Long; entity A { a: Long, b: __cedar::Long, c: decimal };"
        "type decimal = Set<Bool>; namespace N { entity String; entity B { s: "
        "String, t: __cedar::String, a: A, l: Long }; }");

    (void)state;
    assert_non_null(s);
    assert_int_equal(
        cedar_attrs_find(help_entity(s, "A")->attrs, TS_STR_LIT("a"))
            ->type->kind,
        TYPE_ENTITY);
    assert_int_equal(
        cedar_attrs_find(help_entity(s, "A")->attrs, TS_STR_LIT("b"))
            ->type->kind,
        TYPE_LONG);
    assert_string_equal(help_attr(s, "A", "c"), "Set<Bool>");
    assert_string_equal(help_attr(s, "N::B", "s"), "N::String");
    assert_string_equal(help_attr(s, "N::B", "t"), "String");
    cedar_schema_free(s);
}

static void common_type_comes_before_an_entity_type(void **state)
{
    struct cedar_schema *s =
        help_text("entity T; type T = Long; entity A in T { t: T };");

    (void)state;
    assert_non_null(s);
    assert_string_equal(help_attr(s, "A", "t"), "Long");
    assert_int_equal(help_entity(s, "A")->ancestor_count, 1);
    cedar_schema_free(s);
}

static void last_attribute_of_a_name_counts(void **state)
{
    struct cedar_schema *s =
        help_text("entity A { a: Long, b: Bool, a?: String, a: Set<Bool> };");

    (void)state;
    assert_non_null(s);
    assert_int_equal(help_entity(s, "A")->attrs->count, 2);
    assert_string_equal(help_attr(s, "A", "a"), "Set<Bool>");
    cedar_schema_free(s);
}

static void hierarchy_of_entities_is_closed(void **state)
{
    struct cedar_schema *s = help_text(
        "entity A in B; entity B in [C, D]; entity C in B; entity D; entity "
        "E;");
    static const struct {
        const char *below, *above;
        bool in;
    } all[] = {{"A", "A", true},  {"A", "B", true},  {"A", "C", true},
               {"A", "D", true},  {"C", "B", true},  {"C", "D", true},
               {"B", "B", true},  {"B", "A", false}, {"D", "A", false},
               {"E", "A", false}, {"A", "E", false}, {"E", "E", true}};

    (void)state;
    assert_non_null(s);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_int_equal(cedar_schema_may_be_in(help_entity(s, all[i].below),
                                                help_entity(s, all[i].above)),
                         all[i].in);
    /* In a circle a type is above itself; without one it is not. */
    assert_int_equal(help_entity(s, "C")->ancestor_count, 3);
    assert_int_equal(help_entity(s, "A")->ancestor_count, 3);
    assert_int_equal(help_entity(s, "D")->descendant_count, 3);
    cedar_schema_free(s);
}

static void ancestors_and_descendants_mirror_each_other(void **state)
{
    struct cedar_schema *s = help_text(
        "entity A, B in [C, F]; entity C in D; entity D in [C, E]; entity E, F;"
        "action a, b in [c]; action c in [d, e]; action d in f; action e, f;");

    (void)state;
    assert_non_null(s);
    for (uint32_t i = 0; i < s->entity_count; i++)
        for (uint32_t k = 0; k < s->entity_count; k++) {
            const struct schema_entity *x = &s->entities[i];
            const struct schema_entity *y = &s->entities[k];
            bool up = false, down = false;

            for (uint32_t n = 0; n < x->ancestor_count; n++)
                up = up || x->ancestors[n] == k;
            for (uint32_t n = 0; n < y->descendant_count; n++)
                down = down || y->descendants[n] == i;
            assert_int_equal(up, down);
        }
    for (uint32_t i = 0; i < s->action_count; i++)
        for (uint32_t k = 0; k < s->action_count; k++) {
            const struct schema_action *x = &s->actions[i];
            bool up = false, down = false;

            for (uint32_t n = 0; n < x->ancestor_count; n++)
                up = up || x->ancestors[n] == k;
            for (uint32_t n = 0; n < s->actions[k].descendant_count; n++)
                down = down || s->actions[k].descendants[n] == i;
            assert_int_equal(up, down);
        }
    cedar_schema_free(s);
}

static void action_knows_its_types_context_and_groups(void **state)
{
    struct cedar_schema *s = help_text(
        "namespace N { entity U, V, W; action g; action read, \"w r\" in [g, "
        "N::Action::\"h\", g] appliesTo { principal: [V, U, V], resource: W, "
        "context: C }; action h in g; type C = { ip: ipaddr, n?: Long }; }");
    const struct schema_action *a;

    (void)state;
    assert_non_null(s);
    a = help_action(s, "N::Action", "w r");
    assert_non_null(a);
    assert_string_equal("N::Action", a->type->name.ptr);
    assert_true(a->type->is_action);
    assert_int_equal(a->principal_count, 2);
    assert_true(ts_str_eq_c(s->entities[a->principals[0]].name, "N::U"));
    assert_true(ts_str_eq_c(s->entities[a->principals[1]].name, "N::V"));
    assert_int_equal(a->resource_count, 1);
    assert_int_equal(a->context->kind, TYPE_RECORD);
    assert_int_equal(a->context->as.attrs->count, 2);
    assert_int_equal(a->parent_count, 2);
    assert_int_equal(a->ancestor_count, 2);
    assert_true(cedar_schema_action_in(a, help_action(s, "N::Action", "g")));
    assert_false(cedar_schema_action_in(help_action(s, "N::Action", "g"), a));
    a = help_action(s, "N::Action", "g");
    assert_int_equal(a->principal_count, 0);
    assert_int_equal(a->context->as.attrs->count, 0);
    assert_int_equal(a->descendant_count, 3);
    assert_null(help_action(s, "Action", "g"));
    cedar_schema_free(s);
}

static void enum_knows_its_ids(void **state)
{
    struct cedar_schema *s =
        help_text("entity E enum [\"b\", \"\", \"a\", \"b\"]; entity F;");
    const struct schema_entity *e;

    (void)state;
    assert_non_null(s);
    e = help_entity(s, "E");
    assert_int_equal(e->choice_count, 3);
    assert_true(cedar_schema_id_ok(e, TS_STR_LIT("a")));
    assert_true(cedar_schema_id_ok(e, TS_STR_LIT("")));
    assert_false(cedar_schema_id_ok(e, TS_STR_LIT("c")));
    assert_true(cedar_schema_id_ok(help_entity(s, "F"), TS_STR_LIT("c")));
    cedar_schema_free(s);
}

static void sources_are_fragments_of_one_schema(void **state)
{
    static const char *const texts[] = {
        "namespace N { entity A in B { t: T }; }",
        "namespace N { entity B; type T = Long; action a in g; }",
        "entity C { a: N::A }; namespace N { action g; }",
        "namespace N { entity A; }"};
    struct cedar_source src[4] = {{0}};
    struct cedar_schema *s = NULL;
    static struct cedar_diags diags;
    char why[256] = "";

    (void)state;
    for (size_t i = 0; i < 4; i++)
        src[i].text = ts_str_of(texts[i]);
    assert_int_equal(cedar_schema_parse(src, 3, &s, &diags), TS_OK);
    assert_string_equal(help_attr(s, "N::A", "t"), "Long");
    assert_int_equal(help_action(s, "N::Action", "a")->ancestor_count, 1);
    if (!help_round_trip(s, why, sizeof(why)))
        fail_msg("%s", why);
    cedar_schema_free(s);
    s = NULL;
    assert_int_equal(cedar_schema_parse(src, 4, &s, &diags), TS_E_FORMAT);
    assert_null(s);
    assert_string_equal(diags.list[0].code, "duplicate_declaration");
    assert_int_equal(diags.list[0].span.source, 3);
}

static void text_and_json_of_one_schema_are_equal(void **state)
{
    static const char json[] =
        "{\"\":{\"entityTypes\":{\"U\":{\"memberOfTypes\":[\"G\"],\"shape\":{"
        "\"type\":\"Record\",\"attributes\":{\"n\":{\"type\":\"String\"},\"s\":"
        "{\"type\":\"Set\",\"element\":{\"type\":\"Extension\",\"name\":"
        "\"decimal\"},\"required\":false}}},\"tags\":{\"type\":\"Long\"}},"
        "\"G\":{}},\"actions\":{\"v\":{\"appliesTo\":{\"principalTypes\":["
        "\"U\"],\"resourceTypes\":[\"G\"]}}}}}";
    struct cedar_schema *a = help_schema(ts_str_of(json), true, NULL);
    struct cedar_schema *b = help_text(
        "entity G; entity U in G { n: String, s?: Set<decimal> } tags Long;"
        "action v appliesTo { principal: U, resource: G };");
    struct cedar_schema *c = help_text(
        "entity G; entity U in G { n: String, s: Set<decimal> } tags Long;"
        "action v appliesTo { principal: U, resource: G };");
    char why[128];

    (void)state;
    assert_non_null(a);
    assert_non_null(b);
    assert_true(schema_equal(a, b, why, sizeof(why)));
    assert_false(schema_equal(a, c, why, sizeof(why)));
    cedar_schema_free(a);
    cedar_schema_free(b);
    cedar_schema_free(c);
}

/* ---- limits ------------------------------------------------------------- */

struct writer {
    char *text;
    size_t len, cap;
};

static void add(struct writer *w, const char *fmt, unsigned a, unsigned b)
{
    /* fmt is a constant of this file with two numbers in it */
    int n;

    assert_true(w->cap - w->len > 128);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    n = snprintf(w->text + w->len, w->cap - w->len, fmt, a, b);
#pragma GCC diagnostic pop
    w->len += (size_t)n;
}

static struct cedar_schema *take(struct writer *w, struct cedar_diags *diags)
{
    struct cedar_schema *s =
        help_schema((struct ts_str){w->text, w->len}, false, diags);

    ts_mem_free(w->text);
    return s;
}

static struct writer writer(size_t cap)
{
    struct writer w = {.text = ts_mem_alloc(cap), .cap = cap};

    assert_non_null(w.text);
    return w;
}

static void doubling_types_are_shared_not_copied(void **state)
{
    struct writer w = writer(1 << 16);
    struct cedar_schema *s;
    const struct cedar_attrs *a;
    char why[256] = "", out[96];

    (void)state;
    add(&w, "type T0 = { x: Long };%.0u%.0u", 0, 0);
    for (unsigned i = 1; i < 50; i++) {
        add(&w, "type T%u = { x: T%u,", i, i - 1);
        add(&w, " y: T%u };%.0u", i - 1, 0);
    }
    add(&w, "entity E { t: T49, u: Set<T49> };%.0u%.0u", 0, 0);
    s = take(&w, NULL);
    assert_non_null(s);
    a = help_entity(s, "E")->attrs;
    assert_ptr_equal(a->list[0].type, a->list[1].type->as.elem);
    for (unsigned i = 0; i < 49; i++) {
        a = a->list[0].type->as.attrs;
        if (a->count == 2)
            assert_ptr_equal(a->list[0].type, a->list[1].type);
    }
    assert_true(s->arena.used < 1 << 17);
    assert_true(cedar_type_print(help_entity(s, "E")->attrs->list[0].type, out,
                                 sizeof(out)) < sizeof(out));
    assert_true(help_round_trip(s, why, sizeof(why)));
    cedar_schema_free(s);
}

static void types_nested_in_text_are_bounded(void **state)
{
    static struct cedar_diags diags;

    (void)state;
    for (unsigned depth = 62; depth < 68; depth++) {
        struct writer w = writer(1 << 13);
        struct cedar_schema *s;

        add(&w, "type T = %.0u%.0u", 0, 0);
        for (unsigned i = 0; i < depth; i++)
            add(&w, i % 2 == 0 ? "Set<%.0u%.0u" : "{a:%.0u%.0u", 0, 0);
        add(&w, "Long%.0u%.0u", 0, 0);
        for (unsigned i = depth; i-- > 0;)
            add(&w, i % 2 == 0 ? ">%.0u%.0u" : "}%.0u%.0u", 0, 0);
        add(&w, ";%.0u%.0u", 0, 0);
        s = take(&w, &diags);
        assert_int_equal(s != NULL, depth <= CEDAR_TYPE_NESTING);
        if (s == NULL)
            assert_string_equal(diags.list[0].code, "limit");
        cedar_schema_free(s);
    }
}

/* Whatever the order in which the links of the chain are declared. */
static void chains_of_types_are_bounded(void **state)
{
    static struct cedar_diags diags;
    uint32_t accepted[2] = {0, 0};

    (void)state;
    for (unsigned forward = 0; forward < 2; forward++)
        for (unsigned n = 2; n < 200; n++) {
            struct writer w = writer(1 << 14);
            struct cedar_schema *s;

            for (unsigned k = 1; k < n; k++) {
                unsigned i = forward != 0 ? k : n - k;

                add(&w, "type T%03u = { x: T%03u };", i, i - 1);
            }
            add(&w, "type T000 = Long;%.0u%.0u", 0, 0);
            s = take(&w, &diags);
            if (s != NULL)
                accepted[forward] = n;
            else
                assert_string_equal(diags.list[0].code, "limit");
            cedar_schema_free(s);
        }
    assert_int_equal(accepted[0], accepted[1]);
    assert_true(accepted[0] > 32 && accepted[0] < CEDAR_TYPE_HEIGHT);
}

static void hierarchy_with_too_many_pairs_is_refused(void **state)
{
    static struct cedar_diags diags;
    struct writer w = writer(1 << 18);

    (void)state;
    add(&w, "entity E0;%.0u%.0u", 0, 0);
    for (unsigned i = 1; i < 3000; i++)
        add(&w, "entity E%u in E%u;", i, i - 1);
    assert_null(take(&w, &diags));
    assert_string_equal(diags.list[0].code, "limit");
}

static void too_long_a_schema_is_refused(void **state)
{
    static struct cedar_diags diags;
    struct cedar_schema *s = NULL;
    char *text = ts_mem_alloc(CEDAR_SCHEMA_BYTES + 1);
    struct cedar_source src = {.text = {text, CEDAR_SCHEMA_BYTES + 1}};

    (void)state;
    assert_non_null(text);
    memset(text, ' ', CEDAR_SCHEMA_BYTES + 1);
    assert_int_equal(cedar_schema_parse(&src, 1, &s, &diags), TS_E_LIMIT);
    assert_string_equal(diags.list[0].code, "limit");
    src.text.len--;
    assert_int_equal(cedar_schema_parse(&src, 1, &s, &diags), TS_OK);
    cedar_schema_free(s);
    ts_mem_free(text);
}

/* ---- memory ------------------------------------------------------------- */

static ts_err scenario(const void *arg)
{
    const bool json = *(const bool *)arg;
    static const char text[] =
        "@a(\"\\x41\") namespace N { entity A in [B] = { x: T, \"q\\n\": "
        "Set<{y:"
        " Long}> } tags T; entity B enum [\"k\"]; type T = { z: N :: A }; "
        "action a in b appliesTo { principal: A, resource: B, context: T }; "
        "action b; }";
    static const char in_json[] =
        "{\"N\":{\"commonTypes\":{\"T\":{\"type\":\"Long\",\"annotations\":{"
        "\"a\":\"\\u0041\"}}},\"entityTypes\":{\"A\":{\"memberOfTypes\":[\"A\"]"
        ",\"tags\":{\"type\":\"T\"}}},\"actions\":{\"a\":{\"memberOf\":[{\"id\""
        ":\"b\"}],\"appliesTo\":{\"principalTypes\":[\"A\"],\"resourceTypes\":["
        "\"A\"]}},\"b\":{}}}}";
    struct cedar_source src = {.text = ts_str_of(json ? in_json : text)};
    struct cedar_schema *s = NULL;
    struct ts_buf out;
    ts_err e;

    ts_buf_init(&out, 1 << 16);
    e = json ? cedar_schema_parse_json(&src, 1, &s, NULL)
             : cedar_schema_parse(&src, 1, &s, NULL);
    if (e == TS_OK && (e = cedar_schema_print(s, &out)) == TS_OK)
        e = cedar_schema_print_json(s, &out);
    cedar_schema_free(s);
    ts_buf_done(&out);
    return e;
}

static void schema_any_allocation_failing_leaks_nothing(void **state)
{
    const bool json = true, text = false;

    (void)state;
    fault_mem_sweep(scenario, &json, TS_OK, 5);
    fault_mem_sweep(scenario, &text, TS_OK, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_resolve_inside_then_outside),
        cmocka_unit_test(declared_names_hide_those_of_the_language),
        cmocka_unit_test(common_type_comes_before_an_entity_type),
        cmocka_unit_test(last_attribute_of_a_name_counts),
        cmocka_unit_test(hierarchy_of_entities_is_closed),
        cmocka_unit_test(ancestors_and_descendants_mirror_each_other),
        cmocka_unit_test(action_knows_its_types_context_and_groups),
        cmocka_unit_test(enum_knows_its_ids),
        cmocka_unit_test(sources_are_fragments_of_one_schema),
        cmocka_unit_test(text_and_json_of_one_schema_are_equal),
        cmocka_unit_test(doubling_types_are_shared_not_copied),
        cmocka_unit_test(types_nested_in_text_are_bounded),
        cmocka_unit_test(chains_of_types_are_bounded),
        cmocka_unit_test(hierarchy_with_too_many_pairs_is_refused),
        cmocka_unit_test(too_long_a_schema_is_refused),
        cmocka_unit_test(schema_any_allocation_failing_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
