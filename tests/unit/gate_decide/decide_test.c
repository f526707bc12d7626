/* Verdicts: authority, people, policies and blocks together. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "proto/wire/mp_read.h"
#include "sidecar/gate/decide/request.h"
#include "world.h"

static void decide_directory_status_has_three_values(void **state)
{
    struct authority *a = fix_authority(&world_fix, &fix_alice);
    const char *const file = "tenants/acme/directory.yaml";

    (void)state;
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "permitted");
    for (int i = 0; i < 2; i++) /* an owner must be there: not alice, then */
        fix_edit(&world_fix, file, "owner: alice", "owner: bob");
    fix_edit(&world_fix, file, "id: alice\n    status: active",
             "id: alice\n    status: inactive");
    fix_load_ok(&world_fix);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "revoked");
    fix_edit(&world_fix, file, "id: alice\n", "id: alison\n");
    fix_load_ok(&world_fix);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "revoked");
    fix_edit(&world_fix, file, "id: alison\n    status: inactive",
             "id: alice\n    status: active");
    fix_edit(&world_fix, file, "id: coder\n    status: active",
             "id: coder\n    status: inactive");
    fix_load_ok(&world_fix);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "revoked");
    fix_edit(&world_fix, file, "id: coder\n", "id: coder2\n");
    fix_load_ok(&world_fix);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "revoked");
    authority_free(a);
}

static void decide_tenant_gone_is_revoked(void **state)
{
    struct authority *a = fix_authority(&world_fix, &fix_alice);

    (void)state;
    for (size_t i = world_fix.count; i > 0; i--)
        if (ts_str_starts(world_fix.files[i - 1].name,
                          TS_STR_LIT("tenants/"))) {
            char name[256];

            (void)snprintf(name, sizeof(name), "%s",
                           world_fix.files[i - 1].name.ptr);
            fix_set(&world_fix, name, NULL);
        }
    fix_load_ok(&world_fix);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "revoked");
    authority_free(a);
}

static void decide_agent_max_depth_limits_links(void **state)
{
    struct fix_grant g = fix_alice;
    struct authority *a;

    (void)state;
    g.sub_agent = "coder/tester";
    g.sub_holder = KEY_TESTER;
    g.sub_policy = g.policy;
    a = fix_authority(&world_fix, &g);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "permitted");
    fix_edit(&world_fix, "tenants/acme/directory.yaml", "    uids: [1000]",
             "    uids: [1000]\n    max_depth: 0");
    fix_load_ok(&world_fix);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"), "denied");
    authority_free(a);
}

static void decide_forbid_in_error_denies(void **state)
{
    struct fix_grant g = fix_alice;
    struct authority *a;

    (void)state;
    g.policy = "permit (principal, action, resource);"
               "forbid (principal, action, resource) when { "
               "context.session.uid + 9223372036854775807 > 0 };";
    a = fix_authority(&world_fix, &g);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "policy_error");
    authority_free(a);
    g.policy = "permit (principal, action, resource);"
               "permit (principal, action, resource) when { "
               "context.session.uid + 9223372036854775807 > 0 };";
    a = fix_authority(&world_fix, &g);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "permitted");
    authority_free(a);
}

/* A schema that does not declare what the call brings: the call is denied, the
 * agent and the record are told what does not fit. */
static void decide_call_outside_the_schema_is_denied(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } rows[] = {
        {"hop: String, ", "", "context.hop"},
        {"depth: Long", "depth: String", "context.depth"},
        {"seconds?: Long", "seconds?: Long, must: Bool", "context.args"},
        {"action \"fs.read\", ", "action ", "fs.read"},
        {"principal: [User, Agent], resource: File",
         "principal: [User], resource: File", "Agent"},
        {"principal: [User, Agent], resource: File",
         "principal: [User, Agent], resource: Dir", "File"},
        {"name?: String, path?: String, owner_name",
         "path?: String, owner_name", "name"},
        {"entity File in [Dir, Label]", "entity File in [Label]", "Dir"},
    };

    (void)state;
    fix_set(&world_fix, "tenants/acme/entities.json", NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fix_call c = {.tool = "fs.read", .args = "path=x"};
        struct authority *a;

        fix_set(&world_fix, "tenants/acme/schema.cedarschema", world_schema);
        fix_edit(&world_fix, "tenants/acme/schema.cedarschema", rows[i].from,
                 rows[i].to);
        fix_load_ok(&world_fix);
        a = fix_authority(&world_fix, &fix_alice);
        fix_decide(&world_fix, a, &c, &world_result);
        if (world_result.d.code != CODE_SCHEMA_MISMATCH ||
            strstr(world_result.d.text, rows[i].says) == NULL)
            fail_msg("row %zu: %s: %s", i, call_code_name(world_result.d.code),
                     world_result.d.text);
        authority_free(a);
    }
}

/* Blocks come from strangers: what does not pass strict validation does not
 * open a session. */
static void authority_block_must_validate(void **state)
{
    static const char *const bad[] = {
        "permit (principal, action, resource) when { context.nothing };",
        "forbid (principal, action, resource) when { context.args.n > 1 };",
        "permit (principal is Planet, action, resource);",
        "permit (principal, action == Action::\"fly\", resource);",
        "permit (principal, action, resource) when { 1 };",
        "permit (principal == ?principal, action, resource);",
        "permit (principal, action, resource",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fix_grant g = fix_alice;
        enum trust_code code = TRUST_OK;
        struct authority *a = NULL;

        g.policy = bad[i];
        assert_int_equal(fix_authority_try(&world_fix, &g, &a, &code),
                         TS_E_AUTH);
        assert_int_equal(code, TRUST_E_POLICY);
        assert_null(a);
    }
}

/* An authority whose blocks were not read could only be wider than it is. */
static void decide_without_the_blocks_is_a_denial(void **state)
{
    struct authority *a = fix_authority(&world_fix, &fix_alice);
    uint32_t count = a->block_count;

    (void)state;
    assert_true(count > 0);
    a->block_count = 0;
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "internal");
    a->block_count = count;
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "permitted");
    authority_free(a);
}

static void decide_call_signature_is_demanded(void **state)
{
    struct authority *a;

    (void)state;
    fix_edit(&world_fix, "tenants/acme/tenant.yaml", "max_ttl_s: 3600",
             "max_ttl_s: 3600\nrequire_call_signature: true");
    fix_load_ok(&world_fix);
    a = fix_authority(&world_fix, &fix_alice);
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "auth_failed");
    authority_free(a);
}

static void decide_expired_delegation_is_denied(void **state)
{
    struct authority *a = fix_authority(&world_fix, &fix_alice);

    (void)state;
    world_fix.now.unix_ms = (FIX_NOW_S + 3000) * 1000 - 1;
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "permitted");
    world_fix.now.unix_ms++;
    assert_string_equal(fix_code(&world_fix, a, "fs.read", "path=x"),
                        "expired");
    authority_free(a);
}

static void decide_wall_time_is_cut_by_the_delegation(void **state)
{
    struct authority *a = fix_authority(&world_fix, &fix_alice);
    struct fix_call c = {.tool = "fs.read", .args = "path=x"};

    (void)state;
    fix_decide(&world_fix, a, &c, &world_result);
    assert_int_equal(world_result.d.wall_ms, 10000);
    assert_false(world_result.d.deadline_is_expiry);
    world_fix.now.unix_ms = (FIX_NOW_S + 3000) * 1000 - 250;
    fix_decide(&world_fix, a, &c, &world_result);
    assert_int_equal(world_result.d.verdict, VERDICT_PERMIT);
    assert_int_equal(world_result.d.wall_ms, 250);
    assert_int_equal(world_result.d.order.wall_ms, 250);
    assert_true(world_result.d.deadline_is_expiry);
    authority_free(a);
}

/* Whatever the shell found is told and recorded, without asking a policy. */
static void decide_already_denied_keeps_every_code(void **state)
{
    struct authority *a = fix_authority(&world_fix, &fix_alice);

    (void)state;
    for (int code = 1; code < CODE_COUNT_; code++) {
        struct fix_call c = {.tool = "fs.read",
                             .args = "path=x",
                             .already_denied = (enum call_code)code};

        if (code == CODE_PERMITTED)
            continue;
        fix_decide(&world_fix, a, &c, &world_result);
        assert_int_equal(world_result.e, TS_OK);
        assert_int_equal(world_result.d.verdict, VERDICT_DENY);
        assert_int_equal(world_result.d.code, code);
        assert_true(fix_record_is(&world_result, "effect", "forbid"));
        assert_true(fix_record_is(&world_result, "code",
                                  call_code_name((enum call_code)code)));
        assert_null(strstr(world_result.d.text, "permit ("));
    }
    authority_free(a);
}

static void decide_two_tenants_with_the_same_names_never_meet(void **state)
{
    struct fix_grant b = fix_alice;
    struct authority *acme, *beta, *none = NULL;
    enum trust_code code = TRUST_OK;

    (void)state;
    fix_add_starter(&world_fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    fix_set(&world_fix, "tools/web.get.yaml", world_url_tool);
    fix_load_ok(&world_fix);
    b.tenant = "beta";
    b.issuer = KEY_ISSUER_B;
    b.holder = KEY_CODER_B;
    acme = fix_authority(&world_fix, &fix_alice);
    beta = fix_authority(&world_fix, &b);
    /* acme has no rules on listing here; beta has the starter's */
    for (int i = 0; i < 40; i++)
        assert_string_equal(fix_code(&world_fix, acme, "fs.list", "path=."),
                            "permitted");
    for (int i = 0; i < 30; i++)
        assert_string_equal(fix_code(&world_fix, beta, "fs.list", "path=."),
                            "permitted");
    assert_string_equal(fix_code(&world_fix, beta, "fs.list", "path=."),
                        "forbidden");
    assert_string_equal(fix_code(&world_fix, acme, "fs.read", "path=secret/x"),
                        "permitted");
    assert_string_equal(fix_code(&world_fix, beta, "fs.read", "path=secret/x"),
                        "forbidden");
    /* an issuer of one may not issue for the other */
    b.issuer = KEY_ISSUER;
    assert_int_equal(fix_authority_try(&world_fix, &b, &none, &code),
                     TS_E_AUTH);
    assert_null(none);
    authority_free(beta);
    authority_free(acme);
}

static enum verdict verdict_of(const struct fix_grant *g, const char *tool,
                               const char *args)
{
    struct authority *a = fix_authority(&world_fix, g);
    struct fix_call c = {.tool = tool, .args = args};

    fix_decide(&world_fix, a, &c, &world_result);
    assert_int_equal(world_result.e, TS_OK);
    authority_free(a);
    return world_result.d.verdict;
}

/* Whatever a link says: the sub-agent gets no more than who delegated. */
static void decide_appended_block_never_widens(void **state)
{
    static const char *const pool[] = {
        "permit (principal, action, resource);",
        "forbid (principal, action, resource);",
        "permit (principal, action == Action::\"fs.read\", resource);",
        "permit (principal, action, resource); @approval(\"four-eyes:1\") "
        "forbid (principal, action, resource);",
        "@approval(\"four-eyes:1\") forbid (principal, action, resource);",
        "permit (principal, action, resource) when { context.session.uid + "
        "9223372036854775807 > 0 };",
        "permit (principal, action, resource); forbid (principal, action, "
        "resource) when { context.session.uid + 9223372036854775807 > 0 };",
        "permit (principal, action, resource) when { context.depth == 1 };",
    };
    static const char *const calls[][2] = {
        {"fs.read", "path=x"}, {"fs.list", "path=."}, {"fs.delete", "path=x"}};
    const size_t n = sizeof(pool) / sizeof(pool[0]);
    unsigned seen[3] = {0};

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k < 3; k++) {
                struct fix_grant root = fix_alice, link;
                enum verdict v;

                root.policy = pool[i];
                link = root;
                link.sub_agent = "coder/tester";
                link.sub_holder = KEY_TESTER;
                link.sub_policy = pool[j];
                v = verdict_of(&link, calls[k][0], calls[k][1]);
                seen[v]++;
                if (i == n - 1) /* says itself that only a sub-agent may */
                    continue;
                assert_true(v <= verdict_of(&root, calls[k][0], calls[k][1]));
            }
    assert_true(seen[VERDICT_DENY] > 0 && seen[VERDICT_PENDING] > 0 &&
                seen[VERDICT_PERMIT] > 0);
}

static void decide_counts_calls_and_denials_but_no_checks(void **state)
{
    struct authority *a = fix_authority(&world_fix, &fix_alice);
    struct fix_call read = {.tool = "fs.read", .args = "path=x"};
    struct fix_call check = read, bad = read;

    (void)state;
    check.check_only = true;
    bad.args = "path=../x";
    for (int i = 0; i < 3; i++)
        fix_decide(&world_fix, a, &check, &world_result);
    for (int i = 0; i < 2; i++)
        fix_decide(&world_fix, a, &read, &world_result);
    fix_decide(&world_fix, a, &bad, &world_result);
    authority_free(a);
    world_holds(
        "context.rate.agent_1m == 3 && context.rate.agent_1h == 3 && "
        "context.rate.task_1m == 3 && context.rate.task_1h == 3 && "
        "context.rate.agent_tool_1m == 3 && context.rate.agent_tool_1h == 3 "
        "&& context.rate.denied_1m == 1 && context.rate.denied_1h == 1",
        "fs.read", "path=x");
    world_holds("context.rate.agent_1m == 4 && context.rate.agent_tool_1m == 0",
                "fs.list", "path=.");
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(decide_directory_status_has_three_values),
        T(decide_tenant_gone_is_revoked),
        T(decide_agent_max_depth_limits_links),
        T(decide_forbid_in_error_denies),
        T(decide_call_outside_the_schema_is_denied),
        T(authority_block_must_validate),
        T(decide_without_the_blocks_is_a_denial),
        T(decide_call_signature_is_demanded),
        T(decide_expired_delegation_is_denied),
        T(decide_wall_time_is_cut_by_the_delegation),
        T(decide_already_denied_keeps_every_code),
        T(decide_two_tenants_with_the_same_names_never_meet),
        T(decide_appended_block_never_widens),
        T(decide_counts_calls_and_denials_but_no_checks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
