#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "tests/lib/ts_test.h"

/* The configuration that `tipstaff init` writes, decided on. */

static struct fixture fix;
static struct fix_result result;

static int setup(void **state)
{
    (void)state;
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    fix_load_ok(&fix);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fix_done(&fix);
    return 0;
}

static const struct fix_grant bob = {
    .tenant = "acme",
    .user = "bob",
    .agent = "coder",
    .task = "t1",
    .policy = "permit (principal, action, resource);",
    .issuer = KEY_ISSUER,
    .holder = KEY_CODER};
static const struct fix_grant tester = {
    .tenant = "acme",
    .user = "alice",
    .agent = "coder",
    .task = "t1",
    .policy = "permit (principal, action, resource);",
    .issuer = KEY_ISSUER,
    .holder = KEY_CODER,
    .sub_agent = "coder/tester",
    .sub_holder = KEY_TESTER,
    .sub_policy =
        "permit (principal, action == Action::\"fs.read\", resource);"};

static const struct {
    const char *name;
    const struct fix_grant *grant;
    const char *tool, *args, *provenance;
    bool has_stdin;
    const char *code;
} rows[] = {
    {"read", &fix_alice, "fs.read", "path=notes.txt", NULL, false, "permitted"},
    {"list the workspace", &fix_alice, "fs.list", "path=.", NULL, false,
     "permitted"},
    {"grep", &fix_alice, "fs.grep", "pattern=-x;path=repo/docs", NULL, false,
     "permitted"},
    {"git", &fix_alice, "git.log", "path=repo", NULL, false, "permitted"},
    {"write", &fix_alice, "fs.write", "path=a/b.txt", NULL, true, "permitted"},
    {"python", &fix_alice, "py.run", "path=x.py;args@=a,--b", NULL, false,
     "permitted"},
    {"python without arguments", &fix_alice, "py.run", "path=x.py", NULL, false,
     "permitted"},
    {"sleep", &fix_alice, "demo.sleep", "seconds:=600", NULL, false,
     "permitted"},
    {"sleep too long for the agent", &fix_alice, "demo.sleep", "seconds:=86400",
     NULL, false, "forbidden"},
    {"secret", &fix_alice, "fs.read", "path=secret/code.txt", NULL, false,
     "forbidden"},
    {"secret by another spelling", &fix_alice, "fs.read",
     "path=repo/../secret//./code.txt", NULL, false, "forbidden"},
    {"the folder itself is secret", &fix_alice, "fs.list", "path=secret", NULL,
     false, "forbidden"},
    {"a name that only starts alike", &fix_alice, "fs.read", "path=secrets/x",
     NULL, false, "permitted"},
    {"delete", &fix_alice, "fs.delete", "path=notes.txt", NULL, false,
     "approval_required"},
    {"deleting a secret is not up for approval", &fix_alice, "fs.delete",
     "path=secret/x", NULL, false, "forbidden"},
    {"tainted write", &fix_alice, "fs.write", "path=a.txt", "web:untrusted",
     true, "forbidden"},
    {"tainted read", &fix_alice, "fs.read", "path=a.txt", "web:untrusted",
     false, "permitted"},
    {"write at the user's word", &fix_alice, "fs.write", "path=a.txt", "user",
     true, "permitted"},
    {"traversal", &fix_alice, "fs.read", "path=../../etc/passwd", NULL, false,
     "bad_arguments"},
    {"absolute", &fix_alice, "fs.read", "path=/etc/passwd", NULL, false,
     "bad_arguments"},
    {"no argument", &fix_alice, "fs.read", "", NULL, false, "bad_arguments"},
    {"unknown argument", &fix_alice, "fs.read", "path=a;more=b", NULL, false,
     "bad_arguments"},
    {"stdin where none is taken", &fix_alice, "fs.read", "path=a", NULL, true,
     "bad_arguments"},
    {"no such tool", &fix_alice, "rm.all", "path=a", NULL, false,
     "tool_unknown"},
    {"viewer reads", &bob, "fs.read", "path=notes.txt", NULL, false,
     "permitted"},
    {"viewer writes", &bob, "fs.write", "path=notes.txt", NULL, true, "denied"},
    {"viewer runs", &bob, "py.run", "path=x.py", NULL, false, "denied"},
    {"viewer deletes", &bob, "fs.delete", "path=x.py", NULL, false, "denied"},
    {"viewer sleeps", &bob, "demo.sleep", "seconds:=1", NULL, false, "denied"},
    {"sub-agent reads", &tester, "fs.read", "path=notes.txt", NULL, false,
     "permitted"},
    {"sub-agent reads a secret", &tester, "fs.read", "path=secret/x", NULL,
     false, "forbidden"},
    {"sub-agent beyond its block", &tester, "git.log", "path=repo", NULL, false,
     "denied"},
};

static void starter_tree_gives_the_expected_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct authority *a = fix_authority(&fix, rows[i].grant);
        struct fix_call c = {.tool = rows[i].tool,
                             .args = rows[i].args,
                             .provenance = rows[i].provenance,
                             .has_stdin = rows[i].has_stdin};

        fix_decide(&fix, a, &c, &result);
        if (strcmp(call_code_name(result.d.code), rows[i].code) != 0)
            fail_msg("%s: %s instead of %s (%s)", rows[i].name,
                     call_code_name(result.d.code), rows[i].code,
                     result.d.text);
        authority_free(a);
    }
}

static void listing_is_limited_to_thirty_a_minute(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);

    (void)state;
    fix.now.boot_ns += UINT64_C(7200000000000);
    for (int i = 0; i < 30; i++)
        assert_string_equal(fix_code(&fix, a, "fs.list", "path=."),
                            "permitted");
    assert_string_equal(fix_code(&fix, a, "fs.list", "path=."), "forbidden");
    assert_string_equal(fix_code(&fix, a, "fs.read", "path=x"), "permitted");
    fix.now.boot_ns += UINT64_C(64000000000);
    assert_string_equal(fix_code(&fix, a, "fs.list", "path=."), "permitted");
    authority_free(a);
}

/* A sub-agent spends what its registered ancestor has. */
static void sub_agents_share_the_rate_of_their_ancestor(void **state)
{
    struct authority *a = fix_authority(&fix, &fix_alice);
    struct fix_grant g = tester;
    struct authority *sub;

    (void)state;
    g.sub_policy = "permit (principal, action, resource);";
    sub = fix_authority(&fix, &g);
    fix.now.boot_ns += UINT64_C(7200000000000);
    for (int i = 0; i < 15; i++) {
        assert_string_equal(fix_code(&fix, a, "fs.list", "path=."),
                            "permitted");
        assert_string_equal(fix_code(&fix, sub, "fs.list", "path=."),
                            "permitted");
    }
    assert_string_equal(fix_code(&fix, a, "fs.list", "path=."), "forbidden");
    assert_string_equal(fix_code(&fix, sub, "fs.list", "path=."), "forbidden");
    authority_free(sub);
    authority_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starter_tree_gives_the_expected_verdicts),
        cmocka_unit_test(listing_is_limited_to_thirty_a_minute),
        cmocka_unit_test(sub_agents_share_the_rate_of_their_ancestor),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
