/* What is a schema and what is not, in both syntaxes. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/policy_schema/json_table.h"
#include "tests/unit/policy_schema/schema_help.h"
#include "tests/unit/policy_schema/text_table.h"

static void check(const struct schema_row *row, bool json)
{
    static struct cedar_diags diags;
    struct cedar_schema *s = help_schema(ts_str_of(row->text), json, &diags);
    char why[512] = "";

    if ((s != NULL) != (row->code == NULL))
        fail_msg("%s: %s, %s", row->name, s != NULL ? "accepted" : "refused",
                 diags.list[0].text);
    if (s == NULL) {
        assert_true(diags.errors > 0);
        if (strcmp(diags.list[0].code, row->code) != 0)
            fail_msg("%s: %s, not %s", row->name, diags.list[0].code,
                     row->code);
        assert_true(diags.list[0].span.line >= 1);
        assert_true(diags.list[0].text[0] != '\0');
    } else if (!help_round_trip(s, why, sizeof(why))) {
        fail_msg("%s: round trip: %s", row->name, why);
    }
    cedar_schema_free(s);
}

static void schema_text_of_the_table_is_accepted_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(text_rows) / sizeof(text_rows[0]); i++)
        check(&text_rows[i], false);
}

static void schema_json_of_the_table_is_accepted_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(json_rows) / sizeof(json_rows[0]); i++)
        check(&json_rows[i], true);
}

/* Every prefix and every flipped bit is accepted or refused, with a diagnostic
 * in the second case. */
static void mangle(const char *text, bool json)
{
    static struct cedar_diags diags;
    static char copy[1024];
    size_t n = strlen(text);
    struct cedar_schema *s;

    assert_true(n < sizeof(copy));
    memcpy(copy, text, n);
    for (size_t len = 0; len < n; len++) {
        s = help_schema((struct ts_str){copy, len}, json, &diags);
        assert_true((s == NULL) == (diags.errors > 0));
        cedar_schema_free(s);
    }
    for (size_t bit = 0; bit < n * 8; bit++) {
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << (bit % 8)));
        s = help_schema((struct ts_str){copy, n}, json, &diags);
        assert_true((s == NULL) == (diags.errors > 0));
        cedar_schema_free(s);
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << (bit % 8)));
    }
}

static void schema_cut_short_or_with_a_flipped_bit_is_judged(void **state)
{
    (void)state;
    mangle("@doc(\"x\") namespace N { entity User in [Team] = { \"n\\u{41}\"?: "
           "Set<{a: Long}>, t: T } tags __cedar::String; entity Team; entity E "
           "enum [\"a\"]; type T = { d: decimal }; action view, \"e d\" in "
           "[Action::\"g\"] appliesTo { principal: [User], resource: Team, "
           "context: T }; action g attributes {}; }",
           false);
    mangle("{\"N\":{\"commonTypes\":{\"T\":{\"type\":\"Record\",\"attributes\":"
           "{\"a\":{\"type\":\"Long\",\"required\":false}}}},\"entityTypes\":{"
           "\"A\":{\"memberOfTypes\":[\"A\"],\"shape\":{\"type\":\"T\"},"
           "\"tags\":{\"type\":\"Set\",\"element\":{\"type\":\"EntityOrCommon\""
           ",\"name\":\"A\"}}},\"E\":{\"enum\":[\"x\"]}},\"actions\":{\"v\":{"
           "\"memberOf\":[{\"id\":\"w\"}],\"appliesTo\":{\"principalTypes\":["
           "\"A\"],\"resourceTypes\":[\"E\"],\"context\":{\"type\":\"T\"}}},"
           "\"w\":{}},\"annotations\":{\"k\":null}}}",
           true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_text_of_the_table_is_accepted_or_refused),
        cmocka_unit_test(schema_json_of_the_table_is_accepted_or_refused),
        cmocka_unit_test(schema_cut_short_or_with_a_flipped_bit_is_judged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
