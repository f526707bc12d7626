#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/policy/cedar_help.h"
#include "tests/unit/policy/traps_table.h"

static enum trap_want outcome(const struct help_result *r)
{
    if (r->err != TS_OK)
        return REFUSED;
    return r->decision == CEDAR_ALLOW ? ALLOW : DENY;
}

static void authorize_every_trap_answers_as_cedar(void **state)
{
    unsigned wrong = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
        const struct trap *t = &traps[i];
        struct help_case c = {.policies = t->text,
                              .context = t->context,
                              .entities = t->entities};
        static struct help_result r;
        char want[32] = "";
        size_t n;

        help_run(&c, &r);
        if (t->error >= 0)
            (void)snprintf(want, sizeof(want), "policy%d:", t->error);
        n = strlen(want);
        if (outcome(&r) == t->want && strncmp(r.errors, want, n) == 0 &&
            (n > 0 || r.errors[0] == '\0') &&
            (t->want != REFUSED || r.diags.count > 0))
            continue;
        wrong++;
        print_error("%s: got %s [%s] %s; diagnostic: %s\n", t->name,
                    r.err != TS_OK              ? ts_err_text(r.err)
                    : r.decision == CEDAR_ALLOW ? "allow"
                                                : "deny",
                    r.errors, r.first_error,
                    r.diags.count > 0 ? r.diags.list[0].text : "none");
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authorize_every_trap_answers_as_cedar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
