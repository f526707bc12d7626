/* Schemas written back, and types shown to people. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/policy_schema/schema_help.h"

static const char written[] =
    "@doc(\"all\") @x namespace N { type Big = { b: Long, @n a?: Set<ipaddr>, "
    "\"x y\\\"\\u{202E}\": {} }; entity B, A in [N::A, B] = { m: Big } tags "
    "String; entity E enum [\"z\", \"a\"]; action \"r w\", act in [\"act2\", "
    "N::Action::\"act3\"] appliesTo { resource: B, principal: [A, B], context: "
    "Big }; action act2, act3; } entity Out; action if_ appliesTo { principal: "
    "Out, resource: Out };";

static const char as_text[] = "entity Out;\n"
                              "\n"
                              "action if_ appliesTo {\n"
                              "  principal: [Out],\n"
                              "  resource: [Out]\n"
                              "};\n"
                              "\n"
                              "@doc(\"all\")\n"
                              "@x\n"
                              "namespace N {\n"
                              "  type Big = {\n"
                              "    @n\n"
                              "    a?: Set<ipaddr>,\n"
                              "    b: Long,\n"
                              "    \"x y\\\"\\u{202e}\": {},\n"
                              "  };\n"
                              "\n"
                              "  entity A in [N::A, B] = {\n"
                              "    m: Big,\n"
                              "  } tags String;\n"
                              "\n"
                              "  entity B in [N::A, B] = {\n"
                              "    m: Big,\n"
                              "  } tags String;\n"
                              "\n"
                              "  entity E enum [\"z\", \"a\"];\n"
                              "\n"
                              "  action act in [act2, N::Action::\"act3\"] "
                              "appliesTo {\n"
                              "    principal: [A, B],\n"
                              "    resource: [B],\n"
                              "    context: Big\n"
                              "  };\n"
                              "\n"
                              "  action act2;\n"
                              "\n"
                              "  action act3;\n"
                              "\n"
                              "  action \"r w\" in [act2, N::Action::\"act3\"] "
                              "appliesTo {\n"
                              "    principal: [A, B],\n"
                              "    resource: [B],\n"
                              "    context: Big\n"
                              "  };\n"
                              "}\n";

/* The beginning; the rest is compared by reading it again. */
static const char as_json[] =
    "{\n"
    "  \"\": {\n"
    "    \"entityTypes\": {\n"
    "      \"Out\": {}\n"
    "    },\n"
    "    \"actions\": {\n"
    "      \"if_\": {\n"
    "        \"appliesTo\": {\n"
    "          \"resourceTypes\": [\n"
    "            \"Out\"\n"
    "          ],\n"
    "          \"principalTypes\": [\n"
    "            \"Out\"\n"
    "          ]\n"
    "        }\n"
    "      }\n"
    "    }\n"
    "  },\n"
    "  \"N\": {\n"
    "    \"commonTypes\": {\n"
    "      \"Big\": {\n"
    "        \"type\": \"Record\",\n"
    "        \"attributes\": {\n"
    "          \"a\": {\n"
    "            \"type\": \"Set\",\n"
    "            \"element\": "
    "{\"type\":\"EntityOrCommon\",\"name\":\"ipaddr\"},\n"
    "            \"annotations\": {\"n\":\"\"},\n"
    "            \"required\": false\n"
    "          },\n"
    "          \"b\": {\n"
    "            \"type\": \"EntityOrCommon\",\n"
    "            \"name\": \"Long\"\n"
    "          },\n"
    "          \"x y\\\"\xE2\x80\xAE\": {\n"
    "            \"type\": \"Record\",\n"
    "            \"attributes\": {}\n"
    "          }\n"
    "        }\n"
    "      }\n"
    "    },\n";

static void schema_printed_as_text_has_one_style(void **state)
{
    struct cedar_schema *s = help_text(written);
    struct ts_buf out;

    (void)state;
    assert_non_null(s);
    ts_buf_init(&out, 1 << 16);
    assert_int_equal(cedar_schema_print(s, &out), TS_OK);
    assert_int_equal(ts_buf_append(&out, "", 1), TS_OK);
    assert_string_equal((const char *)ts_buf_bytes(&out), as_text);
    cedar_schema_free(s);
    /* and again, from its own words */
    s = help_text(as_text);
    assert_non_null(s);
    ts_buf_clear(&out);
    assert_int_equal(cedar_schema_print(s, &out), TS_OK);
    assert_int_equal(out.len, sizeof(as_text) - 1);
    assert_memory_equal(ts_buf_bytes(&out), as_text, out.len);
    cedar_schema_free(s);
    ts_buf_done(&out);
}

static void schema_printed_as_json_has_the_official_shape(void **state)
{
    struct cedar_schema *s = help_text(written);
    char why[512] = "";
    struct ts_buf out;

    (void)state;
    assert_non_null(s);
    ts_buf_init(&out, 1 << 16);
    assert_int_equal(cedar_schema_print_json(s, &out), TS_OK);
    assert_true(out.len > sizeof(as_json));
    assert_memory_equal(ts_buf_bytes(&out), as_json, sizeof(as_json) - 1);
    if (!help_round_trip(s, why, sizeof(why)))
        fail_msg("%s", why);
    cedar_schema_free(s);
    ts_buf_done(&out);
}

static void printing_over_the_buffer_s_limit_is_refused(void **state)
{
    struct cedar_schema *s = help_text(written);

    (void)state;
    assert_non_null(s);
    for (size_t max = 0; max < 600; max += 7) {
        struct ts_buf out;

        ts_buf_init(&out, max);
        assert_int_equal(cedar_schema_print(s, &out), TS_E_LIMIT);
        ts_buf_clear(&out);
        assert_int_equal(cedar_schema_print_json(s, &out), TS_E_LIMIT);
        ts_buf_done(&out);
    }
    cedar_schema_free(s);
}

static void what_text_cannot_say_is_refused(void **state)
{
    static const char *const all[] = {
        "{\"\":{\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":{}}}"
        ",\"entityTypes\":{\"A\":{\"shape\":{\"type\":\"T\"}}},\"actions\":{}}"
        "}",
        "{\"N\":{\"commonTypes\":{\"T\":{\"type\":\"Long\"}},\"entityTypes\":{"
        "\"T\":{},\"A\":{\"tags\":{\"type\":\"Entity\",\"name\":\"T\"}}},"
        "\"actions\":{}}}",
        "{\"N\":{\"commonTypes\":{\"T\":{\"type\":\"Long\"}},\"entityTypes\":{"
        "\"T\":{},\"A\":{\"tags\":{\"type\":\"Entity\",\"name\":\"N::T\"}}},"
        "\"actions\":{}}}"};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct cedar_schema *s = help_schema(ts_str_of(all[i]), true, NULL);
        char why[256] = "";
        struct ts_buf out;

        assert_non_null(s);
        ts_buf_init(&out, 1 << 12);
        assert_int_equal(cedar_schema_print(s, &out), TS_E_UNSUPPORTED);
        assert_true(help_round_trip(s, why, sizeof(why)));
        ts_buf_done(&out);
        cedar_schema_free(s);
    }
}

static void words_of_the_language_stay_apart_from_declared_ones(void **state)
{
    static const char json[] =
        "{\"\":{\"entityTypes\":{\"Long\":{},\"A\":{\"tags\":{\"type\":\"Set\","
        "\"element\":{\"type\":\"Long\"}}}},\"actions\":{}}}";
    struct cedar_schema *s = help_schema(ts_str_of(json), true, NULL);
    char why[256] = "";
    struct ts_buf out;

    (void)state;
    assert_non_null(s);
    ts_buf_init(&out, 1 << 12);
    assert_int_equal(cedar_schema_print(s, &out), TS_OK);
    assert_int_equal(ts_buf_append(&out, "", 1), TS_OK);
    assert_string_equal((const char *)ts_buf_bytes(&out),
                        "entity A tags Set<__cedar::Long>;\n\nentity Long;\n");
    assert_true(help_round_trip(s, why, sizeof(why)));
    ts_buf_done(&out);
    cedar_schema_free(s);
}

/* ---- types for people --------------------------------------------------- */

static void type_printed_is_what_one_would_write(void **state)
{
    static const struct {
        const char *written, *shown;
    } all[] = {
        {"Long", "Long"},
        {"Set<Set<N::A>>", "Set<Set<N::A>>"},
        {"{}", "{}"},
        {"{ a: Bool, bb?: String }", "{ \"a\": Bool, \"bb\"?: String }"},
        {"{ \"a b\\n\": { x: ipaddr } }", "{ \"a b\\n\": { \"x\": ipaddr } }"},
        {"datetime", "datetime"},
        {"duration", "duration"},
        {"decimal", "decimal"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char text[256];
        struct cedar_schema *s;

        (void)snprintf(text, sizeof(text),
                       "namespace N { entity A; } entity E { t: %s };",
                       all[i].written);
        s = help_text(text);
        assert_non_null(s);
        assert_string_equal(help_attr(s, "E", "t"), all[i].shown);
        cedar_schema_free(s);
    }
}

static void type_of_inference_has_a_name(void **state)
{
    struct cedar_schema *s = help_text("entity A, B;");
    const struct schema_entity *both[2];
    struct cedar_attr attr = {.name = TS_STR_LIT("a")};
    struct cedar_type never = {.kind = TYPE_NEVER}, no = {.kind = TYPE_FALSE};
    struct cedar_attrs attrs = {.count = 1, .open = true, .list = &attr};
    struct cedar_attrs none = {.open = true};
    struct cedar_type lub = {.kind = TYPE_ENTITY};
    struct cedar_type set = {.kind = TYPE_SET}, any = {.kind = TYPE_ANY_ENTITY};
    struct cedar_type rec = {.kind = TYPE_RECORD, .as = {.attrs = &attrs}};
    char out[64];

    (void)state;
    assert_non_null(s);
    both[0] = &s->entities[0];
    both[1] = &s->entities[1];
    lub.as.entities = (struct cedar_entity_lub){.count = 2, .list = both};
    attr.type = &lub;
    (void)cedar_type_print(&lub, out, sizeof(out));
    assert_string_equal(out, "A | B");
    (void)cedar_type_print(&set, out, sizeof(out));
    assert_string_equal(out, "Set");
    (void)cedar_type_print(&any, out, sizeof(out));
    assert_string_equal(out, "any entity");
    (void)cedar_type_print(&never, out, sizeof(out));
    assert_string_equal(out, "nothing");
    (void)cedar_type_print(&no, out, sizeof(out));
    assert_string_equal(out, "Bool");
    (void)cedar_type_print(&rec, out, sizeof(out));
    assert_string_equal(out, "{ \"a\"?: A | B, .. }");
    rec.as.attrs = &none;
    (void)cedar_type_print(&rec, out, sizeof(out));
    assert_string_equal(out, "{ .. }");
    cedar_schema_free(s);
}

/* Whatever the room: a NUL at the end, nothing beyond it, and "..." when
 * something is missing. */
static void type_printed_into_any_room_stays_inside(void **state)
{
    struct cedar_schema *s = help_text(
        "entity E { t: { abc: Long, \"d\\u{1F600}\": Set<E>, e?: { f: {} } } "
        "};");
    const struct cedar_type *t;
    char whole[128], out[128];
    size_t n, n2;

    (void)state;
    assert_non_null(s);
    t = cedar_attrs_find(help_entity(s, "E")->attrs, TS_STR_LIT("t"))->type;
    n = cedar_type_print(t, whole, sizeof(whole));
    assert_int_equal(n, strlen(whole));
    for (size_t cap = 0; cap < sizeof(out); cap++) {
        memset(out, '#', sizeof(out));
        n2 = cedar_type_print(t, out, cap);
        assert_int_equal(n2, cap == 0 ? 0 : strlen(out));
        assert_true(cap == sizeof(out) || out[cap] == '#');
        if (cap > n)
            assert_string_equal(out, whole);
        else if (cap > 4)
            assert_string_equal(out + strlen(out) - 3, "...");
    }
    cedar_schema_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_printed_as_text_has_one_style),
        cmocka_unit_test(schema_printed_as_json_has_the_official_shape),
        cmocka_unit_test(printing_over_the_buffer_s_limit_is_refused),
        cmocka_unit_test(what_text_cannot_say_is_refused),
        cmocka_unit_test(words_of_the_language_stay_apart_from_declared_ones),
        cmocka_unit_test(type_printed_is_what_one_would_write),
        cmocka_unit_test(type_of_inference_has_a_name),
        cmocka_unit_test(type_printed_into_any_room_stays_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
