#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "tests/lib/ts_test.h"

/* What the loader refuses, and what it says: file, line, what to do. */

static struct fixture fix;

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

#define TENANT   "tenants/acme/"
#define HARD     TENANT "policies/hard/50-x.cedar"
#define APPROVAL TENANT "policies/approval/50-x.cedar"
#define DIRFILE  TENANT "directory.yaml"
#define SIGNED   TENANT "directory.snapshot"
#define SCHEMA   TENANT "schema.cedarschema"

static const struct {
    const char *name;
    const char *file;
    const char *text;  /* the whole file; NULL removes it */
    const char *error; /* how the message begins */
} files[] = {
    {"no tenant.yaml", TENANT "tenant.yaml", NULL,
     TENANT "tenant.yaml: missing; every tenant needs it"},
    {"no trust.yaml", TENANT "trust.yaml", NULL, TENANT "trust.yaml: missing;"},
    {"no directory.yaml", DIRFILE, NULL, TENANT "directory.snapshot: missing;"},
    {"a folder misspelt", TENANT "polices/hard/x.cedar", "",
     TENANT "polices/hard/x.cedar: expected "},
    {"a policy without .cedar", TENANT "policies/hard/x.txt", "",
     TENANT "policies/hard/x.txt: expected "},
    {"a policy too deep", TENANT "policies/hard/a/x.cedar", "",
     TENANT "policies/hard/a/x.cedar: expected "},
    {"a file beside tenants", "tenants/stray", "",
     "tenants/stray: not a file of a tenant;"},
    {"another name", TENANT "tenant.yaml", "tenant: other\n",
     TENANT "tenant.yaml:1: tenant is not the name of this folder;"},
    {"unknown key", TENANT "tenant.yaml", "tenant: acme\nmax_ttl: 5\n",
     TENANT "tenant.yaml:2: unknown key \"max_ttl\" in tenant.yaml;"},
    {"ttl over the hard limit", TENANT "tenant.yaml",
     "tenant: acme\nmax_ttl_s: 86401\n",
     TENANT "tenant.yaml:2: max_ttl_s is more than 86400"},
    {"ttl zero", TENANT "tenant.yaml", "tenant: acme\nmax_ttl_s: 0\n",
     TENANT "tenant.yaml:2: max_ttl_s is 0;"},
    {"bad boolean", TENANT "tenant.yaml",
     "tenant: acme\n\nrequire_call_signature: yes\n",
     TENANT "tenant.yaml:3: require_call_signature must be true or false"},
    {"bad sensitivity", TENANT "tenant.yaml",
     "tenant: acme\ndefault_sensitivity: high\n",
     TENANT "tenant.yaml:2: default_sensitivity must be public, internal,"},
    {"not YAML", TENANT "tenant.yaml", "tenant: [acme\n",
     TENANT "tenant.yaml:"},
    {"short key", TENANT "trust.yaml", "issuers:\n  - name: i\n    key: abcd\n",
     TENANT "trust.yaml:3: an issuer's key must be 64 hexadecimal digits"},
    {"unusable key", TENANT "trust.yaml",
     "issuers:\n  - name: i\n    key: 01000000000000000000000000000000000000000"
     "00000000000000000000000\n",
     TENANT "trust.yaml:3: this is not a usable Ed25519 public key;"},
    {"a bad key of a directory", TENANT "trust.yaml",
     "issuers: []\ndirectory:\n  - name: d\n    key: abcd\n",
     TENANT "trust.yaml:4: a directory key must be 64 hexadecimal digits"},
    {"a revoker without a key", TENANT "trust.yaml",
     "issuers: []\nrevokers:\n  - name: d\n",
     TENANT "trust.yaml:3: a revoker has no \"key\"; add it"},
    {"a list that is none", TENANT "trust.yaml", "issuers: []\nrevokers: x\n",
     TENANT "trust.yaml:2: revokers must be a list"},
    {"an unknown role", TENANT "trust.yaml", "issuers: []\napprovers: []\n",
     TENANT "trust.yaml:2: unknown key \"approvers\" in trust.yaml;"},
    {"no issuers", TENANT "trust.yaml", "directory: []\n",
     TENANT "trust.yaml:1: trust.yaml has no \"issuers\"; add it"},
    {"bad freshness", TENANT "tenant.yaml",
     "tenant: acme\nfreshness: Snapshot\n",
     TENANT "tenant.yaml:2: freshness must be snapshot or heartbeat"},
    {"staleness of nothing", TENANT "tenant.yaml",
     "tenant: acme\nfreshness: snapshot\nmax_staleness_s: 30\n",
     TENANT "tenant.yaml:3: max_staleness_s has no meaning with freshness: "},
    {"staleness too short", TENANT "tenant.yaml",
     "tenant: acme\nmax_staleness_s: 4\n",
     TENANT "tenant.yaml:2: max_staleness_s is less than 5"},
    {"staleness too long", TENANT "tenant.yaml",
     "tenant: acme\nmax_staleness_s: 86401\n",
     TENANT "tenant.yaml:2: max_staleness_s is more than 86400"},
    {"an identity that is no list", TENANT "tenant.yaml",
     "tenant: acme\nidentity_attrs: mail\n",
     TENANT "tenant.yaml:2: identity_attrs must be a list"},
    {"an identity that is a list", TENANT "tenant.yaml",
     "tenant: acme\nidentity_attrs: [[a]]\n", TENANT "tenant.yaml:2: "},
    {"no name", TENANT "trust.yaml", "issuers:\n  - key: abcd\n",
     TENANT "trust.yaml:2: an issuer has no \"name\"; add it"},
    {"no users", DIRFILE, "agents: []\n",
     DIRFILE ":1: the directory has no \"users\"; add it"},
    {"duplicate user", DIRFILE,
     "users:\n  - {id: a, status: active}\n  - {id: a, status: inactive}\n"
     "agents: []\n",
     DIRFILE ":3: user \"a\" is listed twice; remove one entry"},
    {"duplicate agent", DIRFILE,
     "users: []\nagents:\n  - {id: a, status: active}\n"
     "  - {id: a, status: active}\n",
     DIRFILE ":4: agent \"a\" is listed twice; remove one entry"},
    {"bad status", DIRFILE, "users:\n  - {id: a, status: on}\nagents: []\n",
     DIRFILE ":2: status must be active or inactive"},
    {"no status", DIRFILE, "users:\n  - {id: a}\nagents: []\n",
     DIRFILE ":2: a user has no \"status\"; add it"},
    {"bad id", DIRFILE, "users:\n  - {id: a b, status: active}\nagents: []\n",
     DIRFILE ":2: a user's id is not a valid id;"},
    {"an owner who is nobody", DIRFILE,
     "users: []\nagents:\n  - {id: a, status: active, owner: z}\n",
     DIRFILE ":3: owner \"z\" is not among the users;"},
    {"an approver who is nobody", DIRFILE,
     "users: []\nagents: []\napprovers:\n  - {person: z, status: active}\n",
     DIRFILE ":4: person \"z\" is not among the users;"},
    {"an approver without a key", DIRFILE,
     "users: [{id: z, status: active}]\nagents: []\napprovers:\n"
     "  - {person: z, status: active}\n",
     DIRFILE ":4: an approver has no \"key\"; add it"},
    {"a group twice", DIRFILE,
     "users:\n  - {id: a, status: active, groups: [g, h, g]}\nagents: []\n",
     DIRFILE ":2: \"g\" stands twice in groups;"},
    {"a uid twice", DIRFILE,
     "users: []\nagents:\n  - {id: a, status: active, uids: [7, 7]}\n",
     DIRFILE ":3: uid 7 stands twice;"},
    {"unmapped uid", DIRFILE,
     "users: []\nagents:\n  - {id: a, status: active, uids: [65534]}\n",
     DIRFILE ":3: 65534 stands for every unmapped uid;"},
    {"attribute named owner", DIRFILE,
     "users:\n  - {id: a, status: active, attrs: {owner: x}}\nagents: []\n",
     DIRFILE ":2: an attribute's name must be"},
    {"approval in hard", HARD,
     "@id(\"x\") @approval(\"a\") forbid (principal, action, resource);",
     HARD ":1:1: policy \"x\": @approval in hard/;"},
    {"no approval in approval", APPROVAL,
     "\n@id(\"x\") forbid (principal, action, resource);",
     APPROVAL ":2:1: policy \"x\": no @approval(\"...\") in approval/;"},
    {"approval on a permit", APPROVAL,
     "@id(\"x\") @approval(\"a\") permit (principal, action, resource);",
     APPROVAL ":1:1: policy \"x\": a permit in approval/;"},
    {"approval without value", APPROVAL,
     "@id(\"x\") @approval forbid (principal, action, resource);",
     APPROVAL ":1:1: policy \"x\": @approval has no value;"},
    {"approval by nonsense", APPROVAL,
     "@id(\"x\") @approval(\"four-eyes:0\") forbid (principal, action, "
     "resource) unless { context.approvals.contains(\"x\") };",
     APPROVAL ":1:20: the value of @approval means nothing; write who approves "
              "and how many of them"},
    {"an endorsement without an approval", HARD,
     "@id(\"x\") @endorse(\"task\") forbid (principal, action, resource);",
     HARD ":1:1: policy \"x\": @endorse without @approval;"},
    {"an endorsement for good", APPROVAL,
     "@id(\"x\") @approval(\"a\") @endorse(\"ever\") forbid (principal, "
     "action, resource) unless { context.approvals.contains(\"x\") };",
     APPROVAL ":1:1: policy \"x\": write how long a yes lets a value through"},
    {"an id that stands for a block's", APPROVAL,
     "@id(\"block:0/x\") @approval(\"a\") forbid (principal, action, "
     "resource) unless { context.approvals.contains(\"block:0/x\") };",
     APPROVAL ":1:1: policy \"block:0/x\": an @id that begins with block:"},
    {"no id", HARD, "forbid (principal, action, resource);",
     HARD ":1:1: this policy has no @id; write @id("},
    {"duplicate id over files", HARD,
     "@id(\"listing-rate\") forbid (principal, action, resource);",
     HARD ":1:1: the id \"listing-rate\" is used twice;"},
    {"unknown annotation", HARD,
     "// @fine here, and \"@here\" too\n\n@id(\"x\") @aproval(\"@id\")\n"
     "forbid (principal, action, resource);",
     HARD ":3:19: unknown annotation `@aproval`: nothing would look at it; "
          "did you mean `@approval`?"},
    {"sandbox annotation", HARD,
     "@id(\"x\") @sandbox(\"no-net\")\npermit (principal, action, resource);",
     HARD ":1:19: the value of @sandbox means nothing; write one of bare, uid, "
          "full, strict"},
    {"sandbox on a forbid", HARD,
     "@id(\"x\")\n@sandbox(\"full\") forbid (principal, action, resource);",
     HARD ":2:10: @sandbox on a forbid; put it on the permit"},
    {"an approval that nobody could give", APPROVAL,
     "@id(\"x\") @approval(\"a\") forbid (principal, action, resource);",
     APPROVAL ":1:1: an approval could never lift this forbid;"},
    {"an attribute that the schema does not know", HARD,
     "@id(\"x\") forbid (principal, action, resource)\nwhen { "
     "context.sensitivty_level > 2 };",
     HARD ":2:"},
    {"an optional argument without has", HARD,
     "@id(\"x\") forbid (principal, action, resource)\nwhen { "
     "context.args.seconds > 2 };",
     HARD ":2:"},
    {"a type that nobody declared", HARD,
     "@id(\"x\") forbid (principal is Usr, action, resource);", HARD ":1:"},
    {"no schema", SCHEMA, NULL, SCHEMA ": missing; every tenant needs"},
    {"two schemas", TENANT "schema.json", "{}",
     SCHEMA ": there is a schema.json beside it; keep one"},
    {"a schema that is none", SCHEMA, "entity User\naction x;",
     SCHEMA ":1:11: this declaration does not end in `;`"},
    {"an entity of no type", TENANT "entities.json",
     "[{\"uid\":{\"type\":\"Planet\",\"id\":\"x\"},\"attrs\":{},"
     "\"parents\":[]}]",
     TENANT "entities.json:1:"},
    {"an attribute of a user that is not declared", DIRFILE,
     "users:\n  - {id: a, status: active, attrs: {team: x}}\nagents: []\n",
     SIGNED " (seq 1): users[0] \"a\": User::\"a\".team is not declared"},
    {"links to no template", TENANT "policies/links.json",
     "[{\"template_id\": \"t\", \"link_id\": \"l\", \"args\": {}}]",
     TENANT "policies/links.json:1:"},
    {"not Cedar", HARD, "@id(\"x\")\nforbid (principal, action);", HARD ":2:"},
    {"entities that are not JSON", TENANT "entities.json", "[\n{]",
     TENANT "entities.json:2:"},
    {"an entity that contradicts the directory", TENANT "entities.json",
     "[{\"uid\":{\"type\":\"User\",\"id\":\"bob\"},\"attrs\":{},\n"
     "\"parents\":[{\"type\":\"Group\",\"id\":\"developers\"}]}]",
     TENANT "entities.json:1:"},
    {"a bad manifest", "tools/x.yaml", "tool: x\n", "tools/x.yaml:1: "},
};

static void snapshot_load_bad_file_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        const char *old = fix_get(&fix, files[i].file);
        char *kept = old != NULL ? strdup(old) : NULL;

        fix_set(&fix, files[i].file, files[i].text);
        assert_int_not_equal(fix_load(&fix), TS_OK);
        assert_null(fix.snapshot);
        if (strncmp(fix.err, files[i].error, strlen(files[i].error)) != 0)
            fail_msg("%s: \"%s\" does not begin with \"%s\"", files[i].name,
                     fix.err, files[i].error);
        fix_set(&fix, files[i].file, kept);
        free(kept);
    }
    fix_load_ok(&fix);
}

/* Which attributes of the directory are the user's own word, in the order of
 * the file; without the key there is none. */
static void snapshot_identity_attrs_are_those_of_the_tenant(void **state)
{
    const struct snapshot_tenant *t;

    (void)state;
    fix_load_ok(&fix);
    t = snapshot_tenant_find(fix.snapshot, TS_STR_LIT("acme"));
    assert_non_null(t);
    assert_int_equal(t->identity_attr_count, 0);
    fix_set(&fix, TENANT "tenant.yaml",
            "tenant: acme\nidentity_attrs: [mail, full_name]\n");
    fix_load_ok(&fix);
    t = snapshot_tenant_find(fix.snapshot, TS_STR_LIT("acme"));
    assert_non_null(t);
    assert_int_equal(t->identity_attr_count, 2);
    assert_true(ts_str_eq_c(t->identity_attrs[0], "mail"));
    assert_true(ts_str_eq_c(t->identity_attrs[1], "full_name"));
}

static void snapshot_load_templates_are_linked(void **state)
{
    (void)state;
    fix_set(&fix, HARD,
            "@id(\"t\") permit (principal == ?principal, action, resource);");
    fix_load_ok(&fix);
    assert_int_equal(fix.snapshot->notes.warnings, 1);
    assert_non_null(strstr(fix.snapshot->notes.first, "unlinked_template"));
    fix_set(&fix, TENANT "policies/links.json",
            "[{\"template_id\": \"t\", \"link_id\": \"for-alice\", "
            "\"args\": {\"?principal\": \"User::\\\"alice\\\"\"}}]");
    fix_load_ok(&fix);
    assert_int_equal(fix.snapshot->notes.warnings, 0);
}

static void snapshot_load_key_in_two_roles_names_both_places(void **state)
{
    char hex[65];

    (void)state;
    fix_pk_hex(KEY_CODER, hex);
    fix_edit(&fix, DIRFILE, hex, "KEY");
    fix_pk_hex(KEY_ISSUER, hex);
    fix_edit(&fix, DIRFILE, "KEY", hex);
    assert_int_not_equal(fix_load(&fix), TS_OK);
    assert_non_null(
        strstr(fix.err,
               SIGNED " (seq 1): agents[0] \"coder\": this public key already "
                      "stands at " TENANT "trust.yaml:4;"));
}

static void snapshot_load_key_in_two_tenants_is_refused(void **state)
{
    (void)state;
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER);
    assert_int_not_equal(fix_load(&fix), TS_OK);
    assert_non_null(strstr(fix.err, "tenants/beta/directory.snapshot (seq 1): "
                                    "agents[0] \"coder\": this public key "
                                    "already stands at " SIGNED
                                    " (seq 1): agents[0] \"coder\";"));
}

static void snapshot_by_kid_finds_the_tenant_of_the_issuer_only(void **state)
{
    uint8_t pk[32], kid[16];
    const struct snapshot_tenant *t;

    (void)state;
    fix_add_starter(&fix, "beta", KEY_ISSUER_B, KEY_CODER_B);
    fix_load_ok(&fix);
    assert_int_equal(fix.snapshot->tenant_count, 2);
    for (unsigned which = 1; which <= 6; which++) {
        fix_pk(which, pk);
        trust_kid(pk, kid);
        t = snapshot_by_kid(fix.snapshot, kid);
        if (which == KEY_ISSUER || which == KEY_ISSUER_B)
            assert_true(
                ts_str_eq_c(t->name, which == KEY_ISSUER ? "acme" : "beta"));
        else
            assert_null(t);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(snapshot_load_bad_file_is_refused_with_its_place),
        T(snapshot_identity_attrs_are_those_of_the_tenant),
        T(snapshot_load_templates_are_linked),
        T(snapshot_load_key_in_two_roles_names_both_places),
        T(snapshot_load_key_in_two_tenants_is_refused),
        T(snapshot_by_kid_finds_the_tenant_of_the_issuer_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
