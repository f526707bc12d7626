#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "sidecar/gate/people/directory.h"
#include "sidecar/gate/people/snapshot_priv.h"
#include "tests/lib/ts_test.h"

/* Which directory is in force: numbers, reloads, and one tenant's trouble. */

static struct fixture fix;

#define ACME     "tenants/acme/"
#define DIRFILE  ACME "directory.yaml"
#define SIGNED   ACME "directory.snapshot"
#define B_FILE   "tenants/beta/directory.yaml"
#define B_SIGNED "tenants/beta/directory.snapshot"

static int setup(void **state)
{
    (void)state;
    fix_init(&fix);
    fix_add_starter(&fix, "acme", KEY_ISSUER, KEY_CODER);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fix_done(&fix);
    return 0;
}

static ts_err feed(uint64_t seq)
{
    struct fix_signing how = fix_signing("acme", seq);

    return fix_feed(&fix, &how);
}

static const char *reads(const struct authority *a)
{
    return fix_code(&fix, a, "fs.read", "path=x");
}

/* ---- numbers ------------------------------------------------------------ */

static void T23_numbers_only_grow(void **state)
{
    struct tenant_states states = {0};
    struct tenant_state *t;

    (void)state;
    assert_int_equal(tenant_states_get(&states, TS_STR_LIT("acme"), &t), TS_OK);
    fix.past.states = &states;
    fix.directory_seq = 5;
    fix_load_ok(&fix);
    tenant_state_mark(t, 5, fix_tenant(&fix, "acme")->people->hash);
    assert_int_equal(feed(5), TS_E_EXISTS); /* the very same: acknowledged */
    assert_int_equal(feed(4), TS_E_STATE);
    assert_non_null(strstr(fix.err, "(seq 4): rolled back: number 5 was"));
    fix_edit(&fix, DIRFILE, "groups: [viewers]", "groups: [developers]");
    assert_int_equal(feed(5), TS_E_STATE);
    assert_non_null(strstr(fix.err, "(seq 5): another directory with number"));
    assert_int_equal(feed(6), TS_OK);
    /* The mark counts, and what is in force counts without one. */
    assert_int_equal(feed(5), TS_E_STATE);
    tenant_state_mark(t, 9, fix_tenant(&fix, "acme")->people->hash);
    assert_int_equal(feed(8), TS_E_STATE);
    assert_non_null(strstr(fix.err, "number 9 was"));
    fix.past.states = NULL;
    assert_int_equal(feed(6), TS_E_EXISTS);
    assert_int_equal(feed(5), TS_E_STATE);
    tenant_states_done(&states);
}

static void T23_a_file_that_is_rolled_back_replaces_nothing(void **state)
{
    struct tenant_states states = {0};
    struct tenant_state *t;
    struct authority *a;

    (void)state;
    assert_int_equal(tenant_states_get(&states, TS_STR_LIT("acme"), &t), TS_OK);
    fix.past.states = &states;
    fix.directory_seq = 5;
    fix_load_ok(&fix);
    tenant_state_mark(t, 5, fix_tenant(&fix, "acme")->people->hash);
    a = fix_authority(&fix, &fix_alice);
    fix.directory_seq = 4;
    fix_reload_ok(&fix); /* what is held stays in force, and the log says so */
    fix_expect_note(&fix, "acme", SIGNED " (seq 4): rolled back: ");
    assert_int_equal(fix.snapshot->notes.warnings, 0); /* of policies */
    assert_int_equal(fix_tenant(&fix, "acme")->people->seq, 5);
    assert_string_equal(reads(a), "permitted");
    fix_load_ok(&fix); /* at a start there is nothing to hold on to */
    fix_expect_note(&fix, "acme", SIGNED " (seq 4): rolled back: ");
    assert_false(fix_tenant(&fix, "acme")->has_directory);
    assert_null(fix_tenant(&fix, "acme")->people);
    assert_string_equal(reads(a), "not_ready");
    fix.directory_seq = 5;
    fix_edit(&fix, DIRFILE, "groups: [viewers]", "groups: [developers]");
    fix_load_ok(&fix); /* the number, and another state */
    fix_expect_note(&fix, "acme",
                    SIGNED " (seq 5): another directory with this number");
    fix.directory_seq = 6;
    fix_load_ok(&fix);
    assert_null(fix_tenant(&fix, "acme")->note);
    assert_string_equal(reads(a), "permitted");
    authority_free(a);
    tenant_states_done(&states);
}

static void a_directory_that_came_another_way_outlives_reloads(void **state)
{
    (void)state;
    fix_load_ok(&fix);
    assert_int_equal(feed(8), TS_OK);
    fix_reload_ok(&fix); /* the file still says 1 */
    assert_int_equal(fix_tenant(&fix, "acme")->people->seq, 8);
    assert_int_equal(fix.snapshot->people_serial, 3);
    fix_set(&fix, DIRFILE, NULL); /* no file at all: nothing to say about it */
    fix_reload_ok(&fix);
    assert_int_equal(fix_tenant(&fix, "acme")->people->seq, 8);
    assert_null(fix_tenant(&fix, "acme")->note);
    fix_load_ok(&fix);
    fix_expect_note(&fix, "acme", SIGNED ": missing;");
    assert_false(fix_tenant(&fix, "acme")->has_directory);
}

/* The same bytes are not read again; what they are judged by is new. */
static void a_reload_shares_the_directory_and_asks_who_signed_it(void **state)
{
    const struct directory *d;

    (void)state;
    fix_load_ok(&fix);
    d = fix_tenant(&fix, "acme")->directory;
    fix_reload_ok(&fix);
    assert_ptr_equal(fix_tenant(&fix, "acme")->directory, d);
    fix.now.unix_ms += 1000000000; /* its time is over: the deadline says so */
    fix.past.now_s += 1000000;
    fix_reload_ok(&fix);
    assert_ptr_equal(fix_tenant(&fix, "acme")->directory, d);
    fix.past.now_s -= 1000000;
    fix_edit(&fix, ACME "trust.yaml", "  - name: acme-directory",
             "  - disabled: true\n    name: acme-directory");
    fix_reload_ok(&fix);
    assert_false(fix_tenant(&fix, "acme")->has_directory);
    fix_expect_note(&fix, "acme",
                    SIGNED); /* nobody may have signed it any more */
}

/* New rules, and what is held was signed by somebody who may no longer. */
static void a_directory_is_not_held_for_a_signer_who_may_no_longer(void **state)
{
    static const char *const lists[] = {
        "directory:\n  - {name: d, key: %s, not_before: 1795299800}\n",
        "directory:\n  - {name: d, key: %s, not_before: 1795299901}\n",
        "directory:\n  - {name: d, key: %s, not_after: 1795299899}\n",
        "directory:\n  - {name: d, key: %s, disabled: true}\n",
        "revokers:\n  - {name: d, key: %s}\n",
        "# %s\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        char *text = strdup(fix_get(&fix, ACME "trust.yaml"));
        char hex[65], list[256], made[512];

        assert_non_null(text);
        fix_load_ok(&fix);
        fix_pk_hex(KEY_DIRECTORY, hex);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(list, sizeof(list), lists[i], hex);
#pragma GCC diagnostic pop
        (void)snprintf(made, sizeof(made), "issuers: []\n%s", list);
        fix_set(&fix, ACME "trust.yaml", made);
        fix_reload_ok(&fix);
        assert_int_equal(fix_tenant(&fix, "acme")->has_directory, i == 0);
        assert_int_equal(fix_tenant(&fix, "acme")->note == NULL, i == 0);
        fix_set(&fix, ACME "trust.yaml", text);
        free(text);
    }
}

static void
another_state_under_the_number_that_is_held_is_not_taken(void **state)
{
    (void)state;
    fix_load_ok(&fix); /* and no marks: what is held speaks for itself */
    fix_edit(&fix, DIRFILE, "groups: [viewers]", "groups: [developers]");
    fix_reload_ok(&fix);
    fix_expect_note(&fix, "acme",
                    SIGNED " (seq 1): another directory with this number");
    assert_true(ts_str_eq_c(
        fix_tenant(&fix, "acme")->people->users[1].groups[0], "viewers"));
}

static void a_held_directory_that_new_rules_do_not_fit_is_an_error(void **state)
{
    (void)state;
    fix_edit(&fix, ACME "schema.cedarschema", "entity User in [Group];",
             "entity User in [Group] { team?: String };");
    fix_edit(&fix, DIRFILE, "groups: [viewers]",
             "groups: [viewers]\n    attrs: {team: red}");
    fix_load_ok(&fix);
    fix_edit(&fix, ACME "schema.cedarschema",
             "entity User in [Group] { team?: String };",
             "entity User in [Group];");
    fix.past.held = fix.snapshot;
    fix.past.strict = false;
    assert_int_equal(fix_load(&fix), TS_E_INVALID);
    assert_non_null(strstr(fix.err, "(seq 1): users[1] \"bob\": "));
}

/* ---- one tenant's trouble ----------------------------------------------- */

static void T24_garbage_from_one_tenant_stops_nobody_else(void **state)
{
    struct fix_grant g = fix_alice;
    struct authority *a;

    (void)state;
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    fix_set(&fix, B_SIGNED, "garbage");
    fix.past.strict = false;
    fix_load_ok(&fix);
    fix_expect_note(&fix, "beta", B_SIGNED ": malformed: ");
    assert_null(fix_tenant(&fix, "acme")->note);
    assert_false(fix_tenant(&fix, "beta")->has_directory);
    assert_non_null(fix_tenant(&fix, "beta")->entities);
    a = fix_authority(&fix, &fix_alice);
    assert_string_equal(reads(a), "permitted");
    authority_free(a);
    fix_set(&fix, B_SIGNED, NULL);
    fix_reload_ok(&fix);
    assert_true(fix_tenant(&fix, "beta")->has_directory);
    g.tenant = "beta";
    g.issuer = KEY_ISSUER_B;
    g.holder = KEY_CODER_B;
    a = fix_authority(&fix, &g);
    fix_set(&fix, B_SIGNED, "garbage again"); /* now something is held */
    fix_reload_ok(&fix);
    fix_expect_note(&fix, "beta", B_SIGNED ": malformed: ");
    assert_string_equal(reads(a), "permitted");
    authority_free(a);
    fix.past.strict = true;
    assert_int_equal(fix_load(&fix), TS_E_FORMAT);
}

static void T34_tenants_with_the_same_names_have_nothing_in_common(void **state)
{
    struct fix_grant g = fix_alice;
    struct authority *a, *b;

    (void)state;
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    fix_load_ok(&fix);
    g.tenant = "beta";
    g.issuer = KEY_ISSUER_B;
    g.holder = KEY_CODER_B;
    a = fix_authority(&fix, &fix_alice);
    b = fix_authority(&fix, &g);
    assert_string_equal(reads(a), "permitted");
    assert_string_equal(reads(b), "permitted");
    fix_edit(&fix, DIRFILE, "id: alice\n    status: active",
             "id: alice\n    status: inactive");
    assert_int_equal(feed(2), TS_OK);
    assert_string_equal(reads(a), "revoked");
    assert_string_equal(reads(b), "permitted");
    fix_edit(&fix, DIRFILE, "status: inactive", "status: active");
    fix_edit(&fix, DIRFILE, "id: coder\n    status: active",
             "id: coder\n    status: inactive");
    assert_int_equal(feed(3), TS_OK);
    assert_string_equal(reads(a), "revoked");
    assert_string_equal(reads(b), "permitted");
    authority_free(a);
    authority_free(b);
}

/* Public keys are public: naming another tenant's must not take it away. */
static void T34_a_newcomer_cannot_take_the_key_of_another_tenant(void **state)
{
    struct tenant_states states = {0};
    struct tenant_state *t;
    struct fix_signing how = fix_signing("beta", 2);
    char coder[65], own[65];

    (void)state;
    fix_pk_hex(KEY_CODER, coder);
    fix_pk_hex(KEY_CODER_B, own);
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    fix_load_ok(&fix);
    assert_int_equal(tenant_states_get(&states, TS_STR_LIT("beta"), &t), TS_OK);
    tenant_state_mark(t, 1, fix_tenant(&fix, "beta")->people->hash);
    fix_edit(&fix, B_FILE, own, coder);
    assert_int_equal(fix_feed(&fix, &how), TS_E_INVALID);
    assert_non_null(strstr(fix.err, B_SIGNED
                           " (seq 2): agents[0] \"coder\": this public key "
                           "already stands at " SIGNED " (seq 1): agents[0]"));
    /* At a start, too: here acme is the newcomer, though it sorts first. */
    fix_edit(&fix, B_FILE, coder, own);
    fix_edit(&fix, DIRFILE, coder, own);
    fix.past.strict = false;
    fix.past.states = &states;
    fix_load_ok(&fix);
    assert_true(fix_tenant(&fix, "beta")->has_directory);
    assert_false(fix_tenant(&fix, "acme")->has_directory);
    fix_expect_note(&fix, "acme",
                    SIGNED " (seq 1): agents[0] \"coder\": this public");
    tenant_states_done(&states);
}

/* Also not in the same reload in which its owner changes something else. */
static void a_key_stays_its_owners_while_both_change(void **state)
{
    char coder[65], own[65];

    (void)state;
    fix_pk_hex(KEY_CODER, coder);
    fix_pk_hex(KEY_CODER_B, own);
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    fix_load_ok(&fix);
    fix.directory_seq = 2;
    fix_edit(&fix, DIRFILE, coder, own); /* acme sorts first and grabs */
    fix_edit(&fix, B_FILE, "groups: [viewers]", "groups: [developers]");
    fix_reload_ok(&fix);
    fix_expect_note(&fix, "acme",
                    SIGNED " (seq 2): agents[0] \"coder\": this public");
    assert_int_equal(fix_tenant(&fix, "acme")->people->seq, 1);
    assert_null(fix_tenant(&fix, "beta")->note);
    assert_int_equal(fix_tenant(&fix, "beta")->people->seq, 2);
}

/* ---- the rest ----------------------------------------------------------- */

static void freshness_is_told_with_the_tenant(void **state)
{
    char much[SIGNED_HEARTBEAT_MAX + 2] = "";

    (void)state;
    fix_load_ok(&fix);
    assert_true(fix_tenant(&fix, "acme")->heartbeat.len == 0);
    fix_set(&fix, ACME "tenant.yaml", "tenant: acme\n");
    fix_set(&fix, ACME "directory.heartbeat", "anything");
    fix_load_ok(&fix);
    assert_int_equal(fix_tenant(&fix, "acme")->max_staleness_s, 30);
    assert_int_equal(fix_tenant(&fix, "acme")->heartbeat.len, 8);
    memset(much, 'x', sizeof(much) - 1);
    fix_set(&fix, ACME "directory.heartbeat", much);
    fix_load_ok(&fix); /* nobody signs one of this length */
    assert_true(fix_tenant(&fix, "acme")->heartbeat.len == 0);
    fix_set(&fix, ACME "tenant.yaml", "tenant: acme\nmax_staleness_s: 7\n");
    fix_load_ok(&fix);
    assert_int_equal(fix_tenant(&fix, "acme")->max_staleness_s, 7);
    fix_set(&fix, ACME "tenant.yaml", "tenant: acme\nfreshness: snapshot\n");
    fix_load_ok(&fix);
    assert_int_equal(fix_tenant(&fix, "acme")->max_staleness_s, 0);
}

static void a_source_among_the_files_is_refused(void **state)
{
    struct fix_signing how = fix_signing("acme", 1);
    struct ts_bytes object = fix_sign_directory(&fix, &how);
    struct snapshot *s = NULL;

    (void)state;
    for (int with_signed = 0; with_signed < 2; with_signed++) {
        assert_int_equal(snapshot_load_past(&fix.bundle, &fix.settings, 7,
                                            &fix.past, &s, fix.err,
                                            sizeof(fix.err)),
                         TS_E_FORMAT);
        assert_string_equal(
            fix.err, DIRFILE
            ": a directory comes signed: run \"tipstaff directory apply\" on "
            "this file, and keep it elsewhere");
        fix_set_bytes(&fix, SIGNED, object);
    }
    free((void *)(uintptr_t)object.ptr);
    fix_load_ok(&fix); /* the fixture leaves the source out */
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(T23_numbers_only_grow),
        T(T23_a_file_that_is_rolled_back_replaces_nothing),
        T(a_directory_that_came_another_way_outlives_reloads),
        T(a_reload_shares_the_directory_and_asks_who_signed_it),
        T(a_directory_is_not_held_for_a_signer_who_may_no_longer),
        T(another_state_under_the_number_that_is_held_is_not_taken),
        T(a_held_directory_that_new_rules_do_not_fit_is_an_error),
        T(T24_garbage_from_one_tenant_stops_nobody_else),
        T(T34_tenants_with_the_same_names_have_nothing_in_common),
        T(T34_a_newcomer_cannot_take_the_key_of_another_tenant),
        T(a_key_stays_its_owners_while_both_change),
        T(freshness_is_told_with_the_tenant),
        T(a_source_among_the_files_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
