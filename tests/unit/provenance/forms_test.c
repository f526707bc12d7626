/* Narrow forms: what is of one, and what a stranger could say with it. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/gate/provenance/forms.h"

static const char *const names[PROV_FORMS] = {"name", "email", "account",
                                              "number", "date"};

/* Which forms a text is of, in order. */
static const char *forms_of(struct ts_str t)
{
    static char text[64];
    size_t n = 0;

    text[0] = '\0';
    for (uint32_t f = 0; f < PROV_FORMS; f++)
        if (form_is((enum prov_form)f, t))
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
                                  n > 0 ? " " : "", names[f]);
    return text;
}

static void each_form_is_known_and_nothing_more(void **state)
{
    static const struct {
        const char *text, *forms;
    } rows[] = {
        {"general", "name"},
        {"team-7_b.x", "name"},
        {"12345678901234567890123456789012", "name number"},
        {"123456789012345678901234567890123", ""},
        {"...", ""},
        {"-_-", ""},
        {"two words", ""},
        {"general ", ""},
        {" general", ""},
        {"gen\xc3\xa9ral", ""},
        {"bob@example.com", "email"},
        {"Bob.Smith+x@mail-1.example.com", "email"},
        {"bob@example.com.", ""},
        {"bob@example.com, eve@evil.example", ""},
        {"<bob@example.com>", ""},
        {"mail bob@example.com", ""},
        {"bob@localhost", ""},
        {"GB29NWBK60161331926819", "name account"},
        {"us133000000121212121212", "name account"},
        {"MT84MALT011000012345MTLCAST001S0000", ""},
        {"GB29NWBK60161331926819 now", ""},
        {"12", "name number"},
        {"-12.50", "name number"},
        {"1,200", "number"},
        {"1e5", "name number"},
        {"2026-01-31", "name date"},
        {"2026-01-31 09:30", "date"},
        {"2026-01-31T09:30:00", "date"},
        {"2026-01-31T09:30:", ""},
        {"2026-01-31Z", "name"},
        {"31.01.2026", "name"},
        {"https://example.com", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (strcmp(forms_of(ts_str_of(rows[i].text)), rows[i].forms) != 0)
            fail_msg("\"%s\" is \"%s\", not \"%s\"", rows[i].text,
                     forms_of(ts_str_of(rows[i].text)), rows[i].forms);
}

static const char *const good[PROV_FORMS] = {"general", "bob@example.com",
                                             "GB29NWBK60161331926819",
                                             "1200.50", "2026-01-31 09:30"};

/* Space, quotes, controls and what is no ASCII stand in none of them: so no
 * sentence does, whatever is put before, behind or between. */
static void form_with_a_byte_of_a_sentence_is_none(void **state)
{
    static const char bad[] = "\n\t\"'<>(){}[]!?;\\|`\x01\x1b\x7f\x80\xe2\xff";

    (void)state;
    for (uint32_t f = 0; f < PROV_FORMS; f++) {
        size_t n = strlen(good[f]);

        assert_true(form_is((enum prov_form)f, ts_str_of(good[f])));
        for (size_t at = 0; at <= n; at++)
            for (size_t b = 0; b < sizeof(bad); b++) { /* NUL is one, too */
                char text[64];

                memcpy(text, good[f], at);
                text[at] = bad[b];
                memcpy(text + at + 1, good[f] + at, n - at);
                if (form_is((enum prov_form)f,
                            (struct ts_str){.ptr = text, .len = n + 1}))
                    fail_msg("%s with byte %d at %zu", names[f], bad[b], at);
            }
    }
}

static void form_longer_than_the_bound_is_none(void **state)
{
    char text[FORM_BYTES_MAX + 2];

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text + sizeof(text) - 12, "@example.com", 12);
    assert_true(form_is(
        FORM_EMAIL, (struct ts_str){.ptr = text + 2, .len = FORM_BYTES_MAX}));
    assert_false(
        form_is(FORM_EMAIL,
                (struct ts_str){.ptr = text + 1, .len = FORM_BYTES_MAX + 1}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_known_and_nothing_more),
        cmocka_unit_test(form_with_a_byte_of_a_sentence_is_none),
        cmocka_unit_test(form_longer_than_the_bound_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
