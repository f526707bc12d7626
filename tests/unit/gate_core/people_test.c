#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "sidecar/gate/directory.h"
#include "sidecar/gate/snapshot_priv.h"
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

static const struct snapshot_tenant *tenant(const char *name)
{
    const struct snapshot_tenant *t =
        snapshot_tenant_find(fix.snapshot, ts_str_of(name));

    assert_non_null(t);
    return t;
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

static void expect_note(const char *name, const char *beginning)
{
    const char *note = tenant(name)->note;

    assert_non_null(note);
    if (strncmp(note, beginning, strlen(beginning)) != 0)
        fail_msg("%s", note);
}

/* Loads with what is in force as the past, and not strictly. */
static void reload_ok(void)
{
    fix.past.held = fix.snapshot;
    fix.past.strict = false;
    fix_load_ok(&fix);
    fix.past.held = NULL;
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
        assert_int_equal(tenant("acme")->people->seq, e == TS_OK ? 2 : 1);
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
    const struct snapshot_tenant *t;
    struct snapshot *old;

    (void)state;
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    fix_load_ok(&fix);
    old = fix.snapshot;
    snapshot_hold(old);
    assert_int_equal(feed(2), TS_OK);
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
    snapshot_release(old); /* what is shared lives on */
    assert_int_equal(feed(3), TS_OK);
    assert_true(ts_str_eq_c(tenant("beta")->people->tenant, "beta"));
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
    tenant_state_mark(t, 5, tenant("acme")->people->hash);
    assert_int_equal(feed(5), TS_E_EXISTS); /* the very same: acknowledged */
    assert_int_equal(feed(4), TS_E_STATE);
    assert_non_null(strstr(fix.err, "(seq 4): rolled back: number 5 was"));
    fix_edit(&fix, DIRFILE, "groups: [viewers]", "groups: [developers]");
    assert_int_equal(feed(5), TS_E_STATE);
    assert_non_null(strstr(fix.err, "(seq 5): another directory with number"));
    assert_int_equal(feed(6), TS_OK);
    /* The mark counts, and what is in force counts without one. */
    assert_int_equal(feed(5), TS_E_STATE);
    tenant_state_mark(t, 9, tenant("acme")->people->hash);
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
    tenant_state_mark(t, 5, tenant("acme")->people->hash);
    a = fix_authority(&fix, &fix_alice);
    fix.directory_seq = 4;
    reload_ok(); /* what is held stays in force, and the log says so */
    expect_note("acme", SIGNED " (seq 4): rolled back: ");
    assert_int_equal(fix.snapshot->notes.warnings, 1);
    assert_non_null(strstr(fix.snapshot->notes.first, "rolled back"));
    assert_int_equal(tenant("acme")->people->seq, 5);
    assert_string_equal(reads(a), "permitted");
    fix_load_ok(&fix); /* at a start there is nothing to hold on to */
    expect_note("acme", SIGNED " (seq 4): rolled back: ");
    assert_false(tenant("acme")->has_directory);
    assert_null(tenant("acme")->people);
    assert_string_equal(reads(a), "not_ready");
    fix.directory_seq = 5;
    fix_edit(&fix, DIRFILE, "groups: [viewers]", "groups: [developers]");
    fix_load_ok(&fix); /* the number, and another state */
    expect_note("acme", SIGNED " (seq 5): another directory with this number");
    fix.directory_seq = 6;
    fix_load_ok(&fix);
    assert_null(tenant("acme")->note);
    assert_string_equal(reads(a), "permitted");
    authority_free(a);
    tenant_states_done(&states);
}

static void a_directory_that_came_another_way_outlives_reloads(void **state)
{
    (void)state;
    fix_load_ok(&fix);
    assert_int_equal(feed(8), TS_OK);
    reload_ok(); /* the file still says 1 */
    assert_int_equal(tenant("acme")->people->seq, 8);
    assert_int_equal(fix.snapshot->people_serial, 3);
    fix_set(&fix, DIRFILE, NULL); /* no file at all: nothing to say about it */
    reload_ok();
    assert_int_equal(tenant("acme")->people->seq, 8);
    assert_null(tenant("acme")->note);
    fix_load_ok(&fix);
    expect_note("acme", SIGNED ": missing;");
    assert_false(tenant("acme")->has_directory);
}

/* The same bytes are not read again; what they are judged by is new. */
static void a_reload_shares_the_directory_and_asks_who_signed_it(void **state)
{
    const struct directory *d;

    (void)state;
    fix_load_ok(&fix);
    d = tenant("acme")->directory;
    reload_ok();
    assert_ptr_equal(tenant("acme")->directory, d);
    fix.now.unix_ms += 1000000000; /* its time is over: the deadline says so */
    fix.past.now_s += 1000000;
    reload_ok();
    assert_ptr_equal(tenant("acme")->directory, d);
    fix.past.now_s -= 1000000;
    fix_edit(&fix, ACME "trust.yaml", "  - name: acme-directory",
             "  - disabled: true\n    name: acme-directory");
    reload_ok();
    assert_false(tenant("acme")->has_directory);
    expect_note("acme", SIGNED); /* nobody may have signed it any more */
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
    expect_note("beta", B_SIGNED ": malformed: ");
    assert_null(tenant("acme")->note);
    assert_false(tenant("beta")->has_directory);
    assert_non_null(tenant("beta")->entities);
    a = fix_authority(&fix, &fix_alice);
    assert_string_equal(reads(a), "permitted");
    authority_free(a);
    fix_set(&fix, B_SIGNED, NULL);
    reload_ok();
    assert_true(tenant("beta")->has_directory);
    g.tenant = "beta";
    g.issuer = KEY_ISSUER_B;
    g.holder = KEY_CODER_B;
    a = fix_authority(&fix, &g);
    fix_set(&fix, B_SIGNED, "garbage again"); /* now something is held */
    reload_ok();
    expect_note("beta", B_SIGNED ": malformed: ");
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
    tenant_state_mark(t, 1, tenant("beta")->people->hash);
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
    assert_true(tenant("beta")->has_directory);
    assert_false(tenant("acme")->has_directory);
    expect_note("acme", SIGNED " (seq 1): agents[0] \"coder\": this public");
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
    reload_ok();
    expect_note("acme", SIGNED " (seq 2): agents[0] \"coder\": this public");
    assert_int_equal(tenant("acme")->people->seq, 1);
    assert_null(tenant("beta")->note);
    assert_int_equal(tenant("beta")->people->seq, 2);
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
    return directory_approver_find(tenant("acme")->directory, kid);
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

/* ---- the rest ----------------------------------------------------------- */

static void freshness_is_told_with_the_tenant(void **state)
{
    (void)state;
    fix_load_ok(&fix);
    assert_true(tenant("acme")->heartbeat.len == 0);
    fix_set(&fix, ACME "tenant.yaml", "tenant: acme\n");
    fix_set(&fix, ACME "directory.heartbeat", "anything");
    fix_load_ok(&fix);
    assert_int_equal(tenant("acme")->max_staleness_s, 30);
    assert_int_equal(tenant("acme")->heartbeat.len, 8);
    fix_set(&fix, ACME "tenant.yaml", "tenant: acme\nmax_staleness_s: 7\n");
    fix_load_ok(&fix);
    assert_int_equal(tenant("acme")->max_staleness_s, 7);
    fix_set(&fix, ACME "tenant.yaml", "tenant: acme\nfreshness: snapshot\n");
    fix_load_ok(&fix);
    assert_int_equal(tenant("acme")->max_staleness_s, 0);
}

static void a_source_beside_a_signed_directory_is_refused(void **state)
{
    struct fix_signing how = fix_signing("acme", 1);
    struct ts_bytes object = fix_sign_directory(&fix, &how);

    (void)state;
    fix_set_bytes(&fix, SIGNED, object);
    free((void *)(uintptr_t)object.ptr);
    fix_load_ok(&fix);
    fix.sources = true;
    assert_int_not_equal(fix_load(&fix), TS_OK);
    assert_non_null(strstr(fix.err, DIRFILE ": directory.snapshot beside it"));
}

static void a_source_alone_is_read_until_something_signed_came(void **state)
{
    (void)state;
    fix.sources = true;
    fix_set(&fix, ACME "tenant.yaml", "tenant: acme\nmax_staleness_s: 9\n");
    fix_load_ok(&fix);
    assert_int_equal(tenant("acme")->people->seq, 0);
    assert_int_equal(tenant("acme")->max_staleness_s, 0);
    assert_int_equal(feed(1), TS_OK);
    assert_int_equal(tenant("acme")->max_staleness_s, 9);
    reload_ok();
    expect_note("acme", DIRFILE ": rolled back: ");
    assert_int_equal(tenant("acme")->people->seq, 1);
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
        T(T23_numbers_only_grow),
        T(T23_a_file_that_is_rolled_back_replaces_nothing),
        T(a_directory_that_came_another_way_outlives_reloads),
        T(a_reload_shares_the_directory_and_asks_who_signed_it),
        T(a_held_directory_that_new_rules_do_not_fit_is_an_error),
        T(T24_garbage_from_one_tenant_stops_nobody_else),
        T(T34_tenants_with_the_same_names_have_nothing_in_common),
        T(T34_a_newcomer_cannot_take_the_key_of_another_tenant),
        T(a_key_stays_its_owners_while_both_change),
        T(T26_a_person_has_many_keys_and_stays_one_person),
        T(T26_one_key_is_not_two_people_nor_an_agent),
        T(T5_an_approvers_key_that_an_agent_has_is_refused),
        T(freshness_is_told_with_the_tenant),
        T(a_source_beside_a_signed_directory_is_refused),
        T(a_source_alone_is_read_until_something_signed_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
