#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "sidecar/gate/people/directory.h"
#include "sidecar/gate/people/snapshot_priv.h"
#include "tests/lib/ts_test.h"

/* Signed directories coming into a gate: at a load, and on their own. */

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

/* ---- signers and times -------------------------------------------------- */

static const struct {
    const char *name;
    struct fix_signing how;
    ts_err e;
    const char *text;
} offers[] = {
    {"good",
     {"acme", KEY_DIRECTORY, 2, FIX_NOW_S, FIX_NOW_S + 60},
     TS_OK,
     NULL},
    {"T9: by the directory of another tenant",
     {"acme", KEY_DIRECTORY_B, 2, FIX_NOW_S, FIX_NOW_S + 60},
     TS_E_AUTH,
     "not signed by an enabled directory key of this tenant"},
    {"T5: by the tenant's issuer",
     {"acme", KEY_ISSUER, 2, FIX_NOW_S, FIX_NOW_S + 60},
     TS_E_AUTH,
     "not signed by an enabled directory key"},
    {"T5: by the tenant's revoker",
     {"acme", KEY_REVOKER, 2, FIX_NOW_S, FIX_NOW_S + 60},
     TS_E_AUTH,
     "not signed by an enabled directory key"},
    {"by an agent",
     {"acme", KEY_CODER, 2, FIX_NOW_S, FIX_NOW_S + 60},
     TS_E_AUTH,
     "not signed by an enabled directory key"},
    {"by a stranger",
     {"acme", 77, 2, FIX_NOW_S, FIX_NOW_S + 60},
     TS_E_AUTH,
     "not signed by an enabled directory key"},
    {"issued within the skew",
     {"acme", KEY_DIRECTORY, 2, FIX_NOW_S + 5, FIX_NOW_S + 60},
     TS_OK,
     NULL},
    {"issued in the future",
     {"acme", KEY_DIRECTORY, 2, FIX_NOW_S + 6, FIX_NOW_S + 60},
     TS_E_DENIED,
     "signed in the future"},
    {"at its last second",
     {"acme", KEY_DIRECTORY, 2, FIX_NOW_S - 60, FIX_NOW_S + 1},
     TS_OK,
     NULL},
    {"at its end",
     {"acme", KEY_DIRECTORY, 2, FIX_NOW_S - 60, FIX_NOW_S},
     TS_E_DENIED,
     "its time is over"},
};

static void
T9_only_a_directory_key_of_the_tenant_says_who_there_is(void **state)
{
    (void)state;
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
        ts_err e;

        fix_load_ok(&fix);
        e = fix_feed(&fix, &offers[i].how);
        if (e != offers[i].e ||
            (e != TS_OK && strstr(fix.err, offers[i].text) == NULL))
            fail_msg("%s: %d %s", offers[i].name, (int)e, fix.err);
        assert_int_equal(fix_tenant(&fix, "acme")->people->seq,
                         e == TS_OK ? 2 : 1);
    }
}

static void
key_of_a_directory_that_is_disabled_or_too_old_signs_nothing(void **state)
{
    char trust[512], hex[65];

    (void)state;
    fix_pk_hex(KEY_DIRECTORY, hex);
    (void)snprintf(trust, sizeof(trust),
                   "issuers: []\ndirectory:\n  - name: d\n    key: %s\n", hex);
    for (int i = 0; i < 4; i++) {
        static const char *const more[] = {
            "    disabled: false\n", "    disabled: true\n",
            "    not_before: 1795299901\n", "    not_after: 1795299899\n"};
        char text[600];

        (void)snprintf(text, sizeof(text), "%s%s", trust, more[i]);
        fix_set(&fix, ACME "trust.yaml", text);
        assert_int_equal(fix_load(&fix), i == 0 ? TS_OK : TS_E_AUTH);
    }
    fix_set(&fix, ACME "trust.yaml", "issuers: []\n");
    assert_int_equal(fix_load(&fix), TS_E_AUTH);
}

static void bytes_that_were_touched_are_refused(void **state)
{
    struct fix_signing how = fix_signing("acme", 2);
    struct snapshot *s = NULL;
    struct ts_bytes good;
    uint8_t *bytes;

    (void)state;
    fix_set(&fix, DIRFILE, "users: [{id: a, status: active}]\nagents: []\n");
    fix_load_ok(&fix);
    good = fix_sign_directory(&fix, &how);
    bytes = malloc(good.len);
    assert_non_null(bytes);
    for (size_t i = 0; i < good.len * 9; i++) { /* bits, then truncations */
        size_t len = i < good.len * 8 ? good.len : i - good.len * 8;

        memcpy(bytes, good.ptr, good.len);
        if (i < good.len * 8)
            bytes[i / 8] ^= (uint8_t)(1u << (i % 8));
        assert_int_not_equal(
            snapshot_with_directory(fix.snapshot, TS_STR_LIT("acme"),
                                    (struct ts_bytes){bytes, len}, &fix.past,
                                    &s, fix.err, sizeof(fix.err)),
            TS_OK);
        assert_null(s);
        assert_true(strncmp(fix.err, SIGNED, strlen(SIGNED)) == 0);
    }
    free(bytes);
    free((void *)(uintptr_t)good.ptr);
}

static void an_unknown_tenant_has_no_directory(void **state)
{
    struct snapshot *s = NULL;

    (void)state;
    fix_load_ok(&fix);
    assert_int_equal(
        snapshot_with_directory(fix.snapshot, TS_STR_LIT("gamma\n"),
                                (struct ts_bytes){(const uint8_t *)"", 0},
                                &fix.past, &s, fix.err, sizeof(fix.err)),
        TS_E_NOT_FOUND);
    assert_string_equal(fix.err, "there is no tenant \"gamma\\n\"");
    assert_null(s);
}

/* ---- what a new directory changes, and what not ------------------------- */

static void a_new_directory_shares_everything_else(void **state)
{
    struct fix_signing how = fix_signing("acme", 2);
    const struct snapshot_tenant *t;
    struct snapshot *old;
    struct ts_bytes object;

    (void)state;
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    fix_load_ok(&fix);
    old = fix.snapshot;
    object = fix_sign_directory(&fix, &how);
    assert_int_equal(snapshot_with_directory(old, TS_STR_LIT("acme"), object,
                                             &fix.past, &fix.snapshot, fix.err,
                                             sizeof(fix.err)),
                     TS_OK);
    free((void *)(uintptr_t)object.ptr);
    assert_ptr_not_equal(fix.snapshot, old);
    assert_int_equal(fix.snapshot->generation, old->generation);
    assert_int_equal(fix.snapshot->people_serial, old->people_serial + 1);
    assert_ptr_equal(fix.snapshot->manifests, old->manifests);
    assert_ptr_equal(fix.snapshot->tools, old->tools);
    assert_ptr_not_equal(fix.snapshot->store, old->store);
    for (uint32_t i = 0; i < old->tenant_count; i++) {
        bool is_acme = ts_str_eq_c(old->tenants[i].name, "acme");

        t = &fix.snapshot->tenants[i];
        assert_ptr_equal(t->schema, old->tenants[i].schema);
        assert_ptr_equal(t->policies, old->tenants[i].policies);
        assert_ptr_equal(t->trust.store, fix.snapshot->store);
        assert_int_equal(t->entities == old->tenants[i].entities, !is_acme);
        assert_int_equal(t->people->seq, is_acme ? 2 : 1);
        assert_int_equal(old->tenants[i].people->seq, 1); /* untouched */
    }
    snapshot_free(old); /* what is shared lives on */
    assert_int_equal(feed(3), TS_OK);
    assert_true(ts_str_eq_c(fix_tenant(&fix, "beta")->people->tenant, "beta"));
}

static void T12_whoever_is_not_in_the_new_directory_is_nobody(void **state)
{
    struct authority *a;

    (void)state;
    fix_load_ok(&fix);
    a = fix_authority(&fix, &fix_alice);
    assert_string_equal(reads(a), "permitted");
    for (int i = 0; i < 2; i++)
        fix_edit(&fix, DIRFILE, "owner: alice", "owner: bob");
    fix_edit(&fix, DIRFILE, "id: alice\n    status: active",
             "id: alice\n    status: inactive");
    assert_int_equal(feed(2), TS_OK);
    assert_string_equal(reads(a), "revoked");
    fix_edit(&fix, DIRFILE, "id: alice\n", "id: alison\n");
    assert_int_equal(feed(3), TS_OK);
    assert_string_equal(reads(a), "revoked");
    fix_edit(&fix, DIRFILE, "id: alison\n    status: inactive",
             "id: alice\n    status: active");
    assert_int_equal(feed(4), TS_OK);
    assert_string_equal(reads(a), "permitted");
    fix_edit(&fix, DIRFILE, "id: coder\n    status: active",
             "id: coder\n    status: inactive");
    assert_int_equal(feed(5), TS_OK);
    assert_string_equal(reads(a), "revoked");
    /* A name that only begins alike is another agent. */
    fix_edit(&fix, DIRFILE, "id: coder\n    status: inactive",
             "id: coder2\n    status: active");
    assert_int_equal(feed(6), TS_OK);
    assert_string_equal(reads(a), "revoked");
    authority_free(a);
}

static void set_user(const char *id)
{
    char text[512], hex[65];

    fix_pk_hex(KEY_CODER, hex);
    (void)snprintf(text, sizeof(text),
                   "users: [{id: %s, status: active, groups: [developers], "
                   "attrs: {email: alice@example.com}}]\n"
                   "agents: [{id: coder, status: active, keys: [%s]}]\n",
                   id, hex);
    fix_set(&fix, DIRFILE, text);
}

/* Who is meant is the id: no attribute, however personal, stands for it. */
static void T35_an_address_in_an_attribute_is_no_identity(void **state)
{
    struct authority *a;

    (void)state;
    fix_edit(&fix, ACME "schema.cedarschema", "entity User in [Group];",
             "entity User in [Group] { email?: String };");
    set_user("alice");
    fix_load_ok(&fix);
    a = fix_authority(&fix, &fix_alice);
    assert_string_equal(reads(a), "permitted");
    set_user("mallory");
    assert_int_equal(feed(2), TS_OK);
    assert_string_equal(reads(a), "revoked");
    set_user("alice@example.com");
    assert_int_equal(feed(3), TS_OK);
    assert_string_equal(reads(a), "revoked");
    authority_free(a);
}

static void a_directory_that_does_not_fit_is_refused_by_its_entry(void **state)
{
    static const struct {
        const char *from, *to, *text;
    } rows[] = {
        {"id: bob\n    status: active",
         "id: bob\n    status: active\n    attrs: {team: red}",
         SIGNED " (seq 2): users[1] \"bob\": User::\"bob\".team is not "
                "declared"},
        {"id: reader ", "attrs: {home: x}\n    id: reader ",
         SIGNED " (seq 2): agents[1] \"reader\": Agent::\"reader\".home is "
                "not declared"},
    };
    struct snapshot *before;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fix_load_ok(&fix);
        before = fix.snapshot;
        fix_edit(&fix, DIRFILE, rows[i].from, rows[i].to);
        assert_int_equal(feed(2), TS_E_INVALID);
        if (strncmp(fix.err, rows[i].text, strlen(rows[i].text)) != 0)
            fail_msg("%s", fix.err);
        assert_ptr_equal(fix.snapshot, before);
        fix_edit(&fix, DIRFILE, rows[i].to, rows[i].from);
    }
}

/* `owner` is an attribute that the gate makes itself. */
static void an_attribute_named_owner_is_refused(void **state)
{
    static const struct directory_attr owner = {{"owner", 5}, {"x", 1}};
    struct directory_agent agent = {
        .id = TS_STR_LIT("coder"), .active = true, .owner = TS_STR_LIT("a")};
    struct directory_user user = {.id = TS_STR_LIT("a"), .active = true};
    struct directory_snapshot d = {.tenant = TS_STR_LIT("acme"),
                                   .seq = 2,
                                   .issued = FIX_NOW_S,
                                   .not_after = FIX_NOW_S + 9,
                                   .users = &user,
                                   .user_count = 1,
                                   .agents = &agent,
                                   .agent_count = 1};
    struct snapshot *s = NULL;
    struct ts_bytes object;

    (void)state;
    fix_load_ok(&fix);
    agent.attrs = &owner;
    agent.attr_count = 1;
    object = fix_sign_state(&d, KEY_DIRECTORY);
    assert_int_equal(snapshot_with_directory(fix.snapshot, d.tenant, object,
                                             &fix.past, &s, fix.err,
                                             sizeof(fix.err)),
                     TS_E_INVALID);
    assert_non_null(strstr(fix.err, "(seq 2): agents[0] \"coder\": "));
    free((void *)(uintptr_t)object.ptr);
}

/* ---- approvers ---------------------------------------------------------- */

#define SOURCE_OF(approvers)                                                   \
    "users: [{id: ann, status: active}, {id: bo, status: active}]\n"           \
    "agents: [{id: coder, status: active, keys: [%1$s]}]\n"                    \
    "approvers:\n" approvers

static ts_err load_approvers(const char *format)
{
    char text[1024], keys[3][65];

    fix_pk_hex(KEY_CODER, keys[0]);
    fix_pk_hex(KEY_APPROVER, keys[1]);
    fix_pk_hex(KEY_APPROVER_2, keys[2]);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(text, sizeof(text), format, keys[0], keys[1], keys[2]);
#pragma GCC diagnostic pop
    fix_set(&fix, DIRFILE, text);
    return fix_load(&fix);
}

static const struct directory_approver *approver(unsigned key)
{
    uint8_t pk[TRUST_PK_LEN], kid[TRUST_KID_LEN];

    fix_pk(key, pk);
    trust_kid(pk, kid);
    return directory_approver_find(fix_tenant(&fix, "acme")->directory, kid);
}

static void T26_a_person_has_many_keys_and_stays_one_person(void **state)
{
    const struct directory_approver *a, *b;
    const struct trust_key *k;

    (void)state;
    assert_int_equal(
        load_approvers(SOURCE_OF(
            "  - {person: ann, status: active, key: %2$s, classes: [c]}\n"
            "  - {person: ann, status: inactive, key: %3$s, roles: [r]}\n")),
        TS_OK);
    a = approver(KEY_APPROVER);
    b = approver(KEY_APPROVER_2);
    assert_non_null(a);
    assert_non_null(b);
    assert_true(ts_str_eq_c(a->person, "ann") && ts_str_eq_c(b->person, "ann"));
    assert_true(a->active && !b->active);
    assert_int_equal(a->class_count, 1);
    assert_int_equal(b->role_count, 1);
    assert_null(approver(KEY_CODER));
    k = trust_store_kid(fix.snapshot->store, b->kid);
    assert_non_null(k);
    assert_int_equal(k->role, TRUST_ROLE_APPROVER);
    assert_true(k->disabled && ts_str_eq_c(k->name, "ann"));
    assert_null(directory_approver_find(NULL, b->kid));
}

static void T26_one_key_is_not_two_people_nor_an_agent(void **state)
{
    (void)state;
    assert_int_not_equal(load_approvers(SOURCE_OF(
                             "  - {person: ann, status: active, key: %2$s}\n"
                             "  - {person: bo, status: active, key: %2$s}\n"
                             "# %3$s\n")),
                         TS_OK);
    assert_non_null(strstr(fix.err, DIRFILE ":5: this public key already "
                                            "stands in line 4;"));
    assert_int_not_equal(load_approvers(SOURCE_OF(
                             "  - {person: ann, status: active, key: %1$s}\n"
                             "# %2$s %3$s\n")),
                         TS_OK);
    assert_non_null(strstr(fix.err, DIRFILE ":4: this public key already "
                                            "stands in line 2;"));
}

/* The signed form can say it, too; then the entries are named. */
static void T5_an_approvers_key_that_an_agent_has_is_refused(void **state)
{
    struct directory_agent agent = {.id = TS_STR_LIT("x"), .key_count = 1};
    struct directory_user user = {.id = TS_STR_LIT("ann"), .active = true};
    struct directory_approver a = {.person = user.id, .active = true};
    struct directory_snapshot d = {.tenant = TS_STR_LIT("acme"),
                                   .seq = 2,
                                   .issued = FIX_NOW_S,
                                   .not_after = FIX_NOW_S + 9,
                                   .users = &user,
                                   .user_count = 1,
                                   .agents = &agent,
                                   .agent_count = 1,
                                   .approvers = &a,
                                   .approver_count = 1};
    struct snapshot *s = NULL;
    struct ts_bytes object;

    (void)state;
    fix_load_ok(&fix);
    fix_pk(KEY_APPROVER, a.pk);
    trust_kid(a.pk, a.kid);
    memcpy(agent.keys[0], a.pk, sizeof(a.pk));
    object = fix_sign_state(&d, KEY_DIRECTORY);
    assert_int_equal(snapshot_with_directory(fix.snapshot, d.tenant, object,
                                             &fix.past, &s, fix.err,
                                             sizeof(fix.err)),
                     TS_E_INVALID);
    assert_non_null(strstr(fix.err, "approvers[0] \"ann\": this public key "
                                    "already stands at " SIGNED
                                    " (seq 2): agents[0] \"x\""));
    free((void *)(uintptr_t)object.ptr);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(T9_only_a_directory_key_of_the_tenant_says_who_there_is),
        T(key_of_a_directory_that_is_disabled_or_too_old_signs_nothing),
        T(bytes_that_were_touched_are_refused),
        T(an_unknown_tenant_has_no_directory),
        T(a_new_directory_shares_everything_else),
        T(T12_whoever_is_not_in_the_new_directory_is_nobody),
        T(T35_an_address_in_an_attribute_is_no_identity),
        T(a_directory_that_does_not_fit_is_refused_by_its_entry),
        T(an_attribute_named_owner_is_refused),
        T(T26_a_person_has_many_keys_and_stays_one_person),
        T(T26_one_key_is_not_two_people_nor_an_agent),
        T(T5_an_approvers_key_that_an_agent_has_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
