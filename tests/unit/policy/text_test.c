#include <stdio.h>
#include <string.h>

#include "policy/syntax/ast.h"
#include "policy/validate/text.h"
#include "tests/lib/ts_test.h"

/* Which warnings about text a condition, or a whole policy, brings. */
static const struct {
    const char *text;
    const char *codes; /* blank separated, in order */
} rows[] = {
    {"permit(principal, action, resource) when { context.a == \"plain\" };",
     ""},
    {"permit(principal, action, resource) when { context.a == "
     "\"caf\u00e9\" };",
     ""},
    {"permit(principal, action, resource) when { context.a == "
     "\"p\u0430ypal\" };",
     "mixed_script"},
    {"permit(principal, action, resource) when { context.a like "
     "\"p\u0430y*\" };",
     "mixed_script"},
    {"permit(principal, action, resource) when { context.a == "
     "\"x\u202ey\" };",
     "bidi_text"},
    {"permit(principal, action, resource) when { context.a == "
     "\"x\\u{202e}y\" };",
     "bidi_text"}, /* the value holds it however it is written */
    {"permit(principal, action, resource) when { context[\"\u2066a\"] };",
     "bidi_identifier"},
    {"permit(principal, action, resource) when { context has \"p\u0430y\" };",
     "mixed_script_identifier"},
    {"permit(principal, action, resource) when { {\"a\u200bb\": 1} == "
     "context };",
     "confusable_identifier"},
    {"permit(principal == User::\"\u0430dmin\", action, resource);",
     "mixed_script_identifier"},
    {"permit(principal == User::\"\u0430\u0434\u043c\u0438\u043d\", action, "
     "resource);",
     ""},
    {"permit(principal, action == Action::\"re\u202ead\", resource);",
     "bidi_identifier"},
    {"permit(principal, action, resource) when { context.a == \"p\u0430\" || "
     "context.a == \"q\u0430\" || context[\"\u202e\"] };",
     "mixed_script bidi_identifier"}, /* one of a kind */
};

static void text_warnings_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct cedar_source src = {.name = "t",
                                   .text = ts_str_of(rows[i].text)};
        struct cedar_diags diags = {0};
        struct cedar_ast *a = NULL;
        char got[256] = "";
        size_t n = 0;

        assert_int_equal(
            cedar_ast_parse(&src, 1, &cedar_options_block, &a, &diags), TS_OK);
        cedar_text_warnings(a->tree.policies, &diags);
        assert_int_equal(diags.errors, 0);
        for (uint32_t k = 0; k < diags.count; k++) {
            const struct cedar_diag *d = &diags.list[k];

            n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%s",
                                  k > 0 ? " " : "", d->code);
            assert_string_equal(d->policy, "policy0");
            assert_null(strstr(d->text, "\u202e")); /* shown escaped */
        }
        if (strcmp(got, rows[i].codes) != 0)
            fail_msg("row %zu: %s: expected [%s], got [%s]", i, rows[i].text,
                     rows[i].codes, got);
        cedar_ast_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_warnings_table)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
