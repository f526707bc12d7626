/* Every mistake is named by operation and field, and nothing is half done. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "cli/directory/patch.h"
#include "tests/unit/cli_directory/sample.h"

#define URN "\"urn:ietf:params:scim:api:messages:2.0:PatchOp\""

/* ' stands for ". A document, or what stands in Operations after a first
 * operation that would change something. */
static const struct {
    const char *text, *says;
} documents[] = {
    {"", "not JSON"},
    {"{", "not JSON"},
    {"[]", "a PatchOp message is an object"},
    {"null", "not JSON"},
    {"{}", "schemas must be"},
    {"{'schemas':[],'Operations':[]}", "schemas must be"},
    {"{'schemas':'x','Operations':[]}", "schemas must be"},
    {"{'schemas':[URN,URN],'Operations':[]}", "schemas must be"},
    {"{'schemas':[URN]}", "Operations must be a list"},
    {"{'schemas':[URN],'Operations':[]}", "Operations must be a list"},
    {"{'schemas':[URN],'Operations':{}}", "Operations must be a list"},
    {"{'schemas':[URN],'operations':[]}", "\"operations\" is not known here"},
    {"{'schemas':[URN],'Operations':[],'x':1}", "\"x\" is not known here"},
    {"{'schemas':[URN],'schemas':[URN]}", "not JSON"},
    {"{'schemas':[URN],'Operations':[]} x", "not JSON"},
    {"{'schemas':[URN],'Operations':[1]}", "Operations[0]: must be an object"},
};

#define OP(op, path, value)                                                    \
    "{'op':'" op "','path':'" path "','value':" value "}"
#define REMOVE(path) "{'op':'remove','path':'" path "'}"
#define BOB          "users[id eq \\'bob\\']"
#define CODER        "agents[id eq \\'coder\\']"
#define APP          "approvers[person eq \\'carol\\']"
#define DEV          "groups[id eq \\'developers\\']"

static const struct {
    const char *text, *says;
} operations[] = {
    {"{}", "Operations[1].op: must be add, replace or remove"},
    {"{'op':'move','path':'users'}", "Operations[1].op: must be"},
    {"{'op':1,'path':'users'}", "Operations[1].op: must be"},
    {"{'op':'add','value':{}}", "Operations[1].path: is missing"},
    {"{'op':'add','path':1,'value':{}}", "Operations[1].path: must be a text"},
    {"{'op':'add','path':'','value':{}}", "Operations[1].path: a path begins"},
    {OP("add", "persons", "{}"), "Operations[1].path: a path begins with"},
    {OP("add", "users[id co \\'b\\']", "{}"), "Operations[1].path: a filter"},
    {"{'op':'add','path':'users'}", "Operations[1]: \"value\" is missing"},
    {"{'op':'add','path':'users','value':{},'name':1}",
     "Operations[1]: \"name\" is not known here"},
    {OP("remove", BOB, "1"), "Operations[1]: remove takes no value"},
    /* entries */
    {OP("replace", "users", "[]"), "only add works on a whole list"},
    {REMOVE("users"), "only add works on a whole list"},
    {OP("add", "users.active", "true"), "a field of which one?"},
    {OP("add", "users", "1"), "Operations[1].value: must be an object"},
    {OP("add", "users", "[1]"), "Operations[1].value[0]: must be an object"},
    {OP("add", "users", "{'id':'x'}"),
     "Operations[1].value: \"active\" is missing"},
    {OP("add", "users", "{'active':true}"),
     "Operations[1].value: \"id\" is missing"},
    {OP("add", "users", "{'id':1,'active':true}"),
     "Operations[1].value: id must be a text"},
    {OP("add", "users", "{'id':'a b','active':true}"), "not a valid id"},
    {OP("add", "users", "{'id':'a//b','active':true}"), "not a valid id"},
    {OP("add", "users", "{'id':'bob','active':true}"),
     "there is a user bob already"},
    {OP("add", "users", "{'id':'x','active':'true'}"),
     "Operations[1].value.active: must be true or false"},
    {OP("add", "users", "{'id':'x','active':true,'name':'y'}"),
     "Operations[1].value.name: a user has"},
    {OP("add", "users", "{'id':'x','active':true,'groups':1}"),
     "Operations[1].value.groups: a group must be a text"},
    {OP("add", "users", "[{'id':'x','active':true},{'id':'x','active':true}]"),
     "Operations[1].value[1]: there is a user x already"},
    {REMOVE("users[id eq \\'nobody\\']"), "there is no such user"},
    {REMOVE("users[name eq \\'bob\\']"), "the filter must be [id eq"},
    {OP("replace", BOB, "1"), "Operations[1].value: must be an object"},
    {OP("replace", BOB, "{'id':'robert'}"),
     "Operations[1].value.id: a user has"},
    {OP("replace", BOB, "{'a\\nb':1}"), "Operations[1].value.a\\nb: a user"},
    /* fields of a user */
    {OP("replace", BOB ".active", "'False'"),
     "Operations[1] (active): must be true or false"},
    {OP("replace", BOB ".active", "null"), "must be true or false"},
    {REMOVE(BOB ".active"), "Operations[1] (active): cannot be removed"},
    {OP("replace", BOB ".active.x", "true"), "the path ends here"},
    {REMOVE(BOB ".active[value eq 1]"), "the path ends here"},
    {OP("replace", BOB ".id", "'x'"), "Operations[1] (id): a user has"},
    {OP("replace", BOB ".userName", "'x'"), "Operations[1].path: something"},
    {OP("add", BOB ".groups", "['a','a']"), "a group is given twice"},
    {OP("add", BOB ".groups", "[1]"), "a group must be a text"},
    {OP("add", BOB ".groups", "{'value':'a','display':'b'}"),
     "must be a text or {\"value\": TEXT}"},
    {OP("add", BOB ".groups", "{'display':'b'}"), "must be a text or"},
    {OP("add", BOB ".groups[value eq \\'x\\']", "'x'"),
     "only goes with remove"},
    {REMOVE(BOB ".groups[value eq \\'x\\']"), "has no such value"},
    {REMOVE(BOB ".groups[value eq 1]"), "has no such value"},
    {REMOVE(BOB ".groups.x"), "there is no field below"},
    {OP("add", BOB ".attrs", "[]"), "must be an object of texts"},
    {OP("add", BOB ".attrs", "{'Dept':'x'}"),
     "Operations[1] (attrs).Dept: an attribute's name"},
    {OP("add", BOB ".attrs", "{'owner':'x'}"), "an attribute's name"},
    {OP("add", BOB ".attrs", "{'a':1}"), "an attribute must be a text"},
    {OP("add", BOB ".attrs", "{'a':''}"), "an attribute must be a text"},
    {OP("add", BOB ".attrs._x", "'x'"), "an attribute's name"},
    {REMOVE(BOB ".attrs.dept"), "has no such attribute"},
    {REMOVE(BOB ".attrs[value eq \\'x\\']"), "attributes are named"},
    /* fields of an agent */
    {OP("add", "agents", "{'id':'coder','active':true}"),
     "there is an agent coder already"},
    {OP("add", "agents", "{'id':'x'}"), "\"active\" is missing"},
    {OP("add", "agents", "{'id':'x','active':true,'groups':[]}"),
     "Operations[1].value.groups: an agent has"},
    {REMOVE("agents[id eq \\'nobody\\']"), "there is no such agent"},
    {REMOVE("agents[key eq \\'x\\']"), "the filter must be [id eq"},
    {OP("replace", CODER ".owner", "''"), "not a valid id"},
    {OP("replace", CODER ".owner", "null"), "must be a text"},
    {OP("add", CODER ".keys", "'00'"), "64 hex digits"},
    {OP("add", CODER ".keys", "1"), "64 hex digits"},
    {OP("add", CODER ".keys",
        "'0000000000000000000000000000000000000000000000000000000000000001'"),
     "not a usable Ed25519"},
    {OP("add", CODER ".keys", "['KEY6','KEY6']"), "given twice"},
    {OP("replace", CODER ".keys", "['KEY1','KEY1']"), "given twice"},
    {OP("add", CODER ".keys", "['KEY6','KEY7','KEY8','KEY9']"),
     "more than 4 keys"},
    {REMOVE(CODER ".keys[value eq \\'KEY9\\']"), "has no such key"},
    {REMOVE(CODER ".keys[value eq \\'xyz\\']"), "has no such key"},
    {OP("add", CODER ".uids", "-1"), "a uid must be a number"},
    {OP("add", CODER ".uids", "1.5"), "a uid must be a number"},
    {OP("add", CODER ".uids", "'5'"), "a uid must be a number"},
    {OP("add", CODER ".uids", "65534"), "not 65534"},
    {OP("add", CODER ".uids", "4294967295"), "a uid must be a number"},
    {OP("add", CODER ".uids", "[5,5]"), "given twice"},
    {OP("add", CODER ".uids", "[1,2,3,4,5,6,7]"), "more than 8 uids"},
    {REMOVE(CODER ".uids[value eq 5]"), "has no such uid"},
    {REMOVE(CODER ".uids[value eq \\'10001\\']"), "has no such uid"},
    {OP("replace", CODER ".max_depth", "8"), "a number from 0 to 7"},
    {OP("replace", CODER ".max_depth", "-1"), "a number from 0 to 7"},
    {OP("replace", CODER ".max_depth", "true"), "a number from 0 to 7"},
    /* approvers */
    {OP("add", "approvers", "{'person':'bob','active':true}"),
     "\"key\" is missing"},
    {OP("add", "approvers", "{'key':'KEY9','active':true}"),
     "\"person\" is missing"},
    {OP("add", "approvers", "{'person':'bob','key':'KEY9'}"),
     "\"active\" is missing"},
    {OP("add", "approvers", "{'person':'bob','active':true,'key':'KEY4'}"),
     "an approver with this key already"},
    {OP("replace", APP ".key", "'KEY9'"), "a new key is a new entry"},
    {OP("replace", APP ".person", "'bob'"), "an approver has"},
    {REMOVE("approvers[person eq \\'bob\\']"), "there is no such approver"},
    {REMOVE("approvers[id eq \\'carol\\']"), "on person, kid or key"},
    {OP("replace", APP ".classes", "['a','b','c','d','e','f','g','h','i']"),
     "more than 8 values"},
    /* groups */
    {OP("add", "groups", "{'id':'x'}"), "groups have members"},
    {OP("add", DEV, "{}"), "groups have members"},
    {OP("add", DEV ".name", "'x'"), "groups have members"},
    {REMOVE("groups[name eq \\'x\\']"), "groups have members"},
    {REMOVE("groups[id eq \\'nobody\\']"), "nobody is in this group"},
    {REMOVE(DEV ".members[value eq \\'bob\\']"), "no such member"},
    {REMOVE(DEV ".members[value eq 1]"), "no such member"},
    {OP("add", DEV ".members", "'nobody'"), "there is no user nobody"},
    {OP("add", DEV ".members", "[1]"), "a member must be a text"},
    {OP("add", DEV ".members", "['bob','bob']"), "given twice"},
    {OP("add", "groups[id eq \\'a b\\'].members", "'bob'"), "not a valid id"},
    {OP("add", DEV ".members[value eq \\'bob\\']", "'bob'"),
     "only goes with remove"},
};

static const char *expand(const char *text, struct ts_arena *arena, bool inner)
{
    size_t n = 0, cap = strlen(text) + 2048;
    char *out;
    void *p;

    assert_int_equal(ts_arena_alloc(arena, cap, &p), TS_OK);
    out = p;
    if (inner)
        n += (size_t)snprintf(
            out, cap,
            "{\"schemas\":[" URN "],\"Operations\":[{\"op\":\"remove\","
            "\"path\":\"users[id eq \\\"alice\\\"].groups\"},");
    for (const char *s = text; *s != '\0'; s++) {
        if (strncmp(s, "KEY", 3) == 0 && s[3] >= '0' && s[3] <= '9') {
            n += (size_t)snprintf(out + n, cap - n, "%s",
                                  sample_key(arena, (unsigned)(s[3] - '0')));
            s += 3;
        } else if (strncmp(s, "URN", 3) == 0) {
            n += (size_t)snprintf(out + n, cap - n, URN);
            s += 2;
        } else {
            out[n++] = *s == '\'' ? '"' : *s;
        }
    }
    if (inner)
        (void)snprintf(out + n, cap - n, "]}");
    return out;
}

static void refuse(const char *text, bool inner, const char *says)
{
    struct directory_snapshot from, to = {.seq = 99};
    struct ts_arena arena;
    const char *json, *before;
    char err[512] = "";
    ts_err e;

    ts_arena_init(&arena, 16 << 20);
    sample_snapshot(&arena, &from);
    before = sample_text(&from, &arena);
    json = expand(text, &arena, inner);
    e = directory_patch((struct ts_bytes){(const uint8_t *)json, strlen(json)},
                        &from, &arena, &to, err, sizeof(err));
    if (e == TS_OK || strstr(err, says) == NULL)
        fail_msg("%s: \"%s\" instead of \"%s\"", json, err, says);
    assert_int_equal(to.seq, 99); /* untouched */
    assert_string_equal(sample_text(&from, &arena), before);
    if (inner) /* it is the second operation that is to blame */
        assert_non_null(strstr(err, "Operations[1]"));
    ts_arena_done(&arena);
}

static void patch_a_malformed_document_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
        refuse(documents[i].text, false, documents[i].says);
}

static void patch_a_mistake_is_named_and_nothing_is_half_done(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        refuse(operations[i].text, true, operations[i].says);
}

/* A user for whom no room is left: the limit has a sentence of its own. */
static void patch_more_than_the_limits_is_refused(void **state)
{
    struct directory_snapshot from, to;
    struct directory_user *many;
    struct ts_arena arena;
    char err[512] = "", (*names)[16];
    void *p, *q;
    const char *json;

    (void)state;
    ts_arena_init(&arena, 64 << 20);
    sample_snapshot(&arena, &from);
    assert_int_equal(
        ts_arena_array(&arena, DIRECTORY_USERS_MAX, sizeof(*many), &p), TS_OK);
    assert_int_equal(
        ts_arena_array(&arena, DIRECTORY_USERS_MAX, sizeof(*names), &q), TS_OK);
    many = p;
    names = q;
    for (uint32_t i = 0; i < DIRECTORY_USERS_MAX; i++) {
        int n = snprintf(names[i], sizeof(names[i]), "u%05u", (unsigned)i);

        many[i].id = (struct ts_str){names[i], (size_t)n};
    }
    from.users = many;
    from.user_count = DIRECTORY_USERS_MAX;
    json = expand("{'schemas':[URN],'Operations':[{'op':'add','path':'users',"
                  "'value':{'id':'x','active':true}}]}",
                  &arena, false);
    assert_int_equal(
        directory_patch((struct ts_bytes){(const uint8_t *)json, strlen(json)},
                        &from, &arena, &to, err, sizeof(err)),
        TS_E_LIMIT);
    assert_non_null(strstr(err, "Operations[0].value: more than 16384 users"));
    ts_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patch_a_malformed_document_is_named),
        cmocka_unit_test(patch_a_mistake_is_named_and_nothing_is_half_done),
        cmocka_unit_test(patch_more_than_the_limits_is_refused),
    };

    return trust_init() == TS_OK ? cmocka_run_group_tests(tests, NULL, NULL)
                                 : 1;
}
