/* What each operation does, as the lines of the sample that it changes. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "cli/directory/patch.h"
#include "tests/lib/fault_mem.h"
#include "tests/unit/cli_directory/sample.h"

#define HEAD                                                                   \
    "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],"        \
    "\"Operations\":["

struct row {
    const char *ops;         /* ' stands for ", KEYn for a key */
    const char *gone, *come; /* lines; "" for none */
};

#define ALICE  "user alice on in developers,ops dept=R&D \"x\" level=3\n"
#define BOB    "user bob on in viewers\n"
#define CAROL  "user carol off\n"
#define CODER  "agent coder on of alice key 1 uid 10001 uid 10002 depth 7\n"
#define TESTER "agent coder/tester on key 2 key 3 depth 2 lang=c\n"
#define READER "agent reader off depth 7\n"
#define APP4   "approver carol on key 4 for delete,deploy as lead\n"
#define APP5   "approver alice off key 5\n"

#define BOB_IS(op, field, value)                                               \
    "{'op':'" op "','path':'users[id eq \\'bob\\']" field "','value':" value "}"
#define NO_BOB(field) "{'op':'remove','path':'users[id eq \\'bob\\']" field "'}"
#define CODER_IS(op, field, value)                                             \
    "{'op':'" op "','path':'agents[id eq \\'coder\\']" field                   \
    "','value':" value "}"
#define TESTER_NOT(field)                                                      \
    "{'op':'remove','path':'agents[id eq \\'coder/tester\\']" field "'}"
#define TESTER_IS(op, field, value)                                            \
    "{'op':'" op "','path':'agents[id eq \\'coder/tester\\']" field            \
    "','value':" value "}"
#define GROUP(op, name, more)                                                  \
    "{'op':'" op "','path':'groups[id eq \\'" name "\\']" more "}"

static const struct row rows[] = {
    /* users */
    {BOB_IS("replace", ".active", "false"), BOB, "user bob off in viewers\n"},
    {BOB_IS("Replace", ".active", "false"), BOB, "user bob off in viewers\n"},
    {BOB_IS("add", ".active", "true"), "", ""},
    {BOB_IS("add", ".groups", "'ops'"), BOB, "user bob on in viewers,ops\n"},
    {BOB_IS("add", ".groups", "['ops','viewers']"), BOB,
     "user bob on in viewers,ops\n"},
    {BOB_IS("add", ".groups", "[{'value':'ops'}]"), BOB,
     "user bob on in viewers,ops\n"},
    {BOB_IS("add", ".groups", "[]"), "", ""},
    {BOB_IS("replace", ".groups", "['b','a']"), BOB, "user bob on in b,a\n"},
    {BOB_IS("replace", ".groups", "[]"), BOB, "user bob on\n"},
    {NO_BOB(".groups"), BOB, "user bob on\n"},
    {NO_BOB(".groups[value eq \\'viewers\\']"), BOB, "user bob on\n"},
    {BOB_IS("add", ".attrs", "{'z':'1','a':'2'}"), BOB,
     "user bob on in viewers a=2 z=1\n"},
    {BOB_IS("add", ".attrs.dept", "'x'"), BOB,
     "user bob on in viewers dept=x\n"},
    {"{'op':'replace','path':'users[id eq \\'alice\\'].attrs',"
     "'value':{'x':'y'}}",
     ALICE, "user alice on in developers,ops x=y\n"},
    {"{'op':'add','path':'users[id eq \\'alice\\'].attrs',"
     "'value':{'level':'4'}}",
     ALICE, "user alice on in developers,ops dept=R&D \"x\" level=4\n"},
    {"{'op':'remove','path':'users[id eq \\'alice\\'].attrs.dept'}", ALICE,
     "user alice on in developers,ops level=3\n"},
    {"{'op':'remove','path':'users[id eq \\'alice\\'].attrs'}", ALICE,
     "user alice on in developers,ops\n"},
    {NO_BOB(""), BOB, ""},
    {BOB_IS("replace", "", "{'active':false,'groups':['x'],'attrs':{'k':'v'}}"),
     BOB, "user bob off in x k=v\n"},
    {BOB_IS("add", "", "{'groups':'x'}"), BOB, "user bob on in viewers,x\n"},
    {BOB_IS("add", "", "{}"), "", ""},
    {"{'op':'add','path':'users','value':{'id':'dora','active':true}}", "",
     "user dora on\n"},
    {"{'op':'add','path':'users','value':[{'id':'zoe','active':true},"
     "{'id':'aaron','active':false,'groups':['g'],'attrs':{'k':'v'}}]}",
     "", "user aaron off in g k=v\nuser zoe on\n"},
    /* agents */
    {CODER_IS("replace", ".active", "false"), CODER,
     "agent coder off of alice key 1 uid 10001 uid 10002 depth 7\n"},
    {CODER_IS("replace", ".owner", "'bob'"), CODER,
     "agent coder on of bob key 1 uid 10001 uid 10002 depth 7\n"},
    {"{'op':'remove','path':'agents[id eq \\'coder\\'].owner'}", CODER,
     "agent coder on key 1 uid 10001 uid 10002 depth 7\n"},
    {CODER_IS("add", ".keys", "'KEY9'"), CODER,
     "agent coder on of alice key 1 key 9 uid 10001 uid 10002 depth 7\n"},
    {CODER_IS("add", ".keys", "['KEY1','KEY9']"), CODER,
     "agent coder on of alice key 1 key 9 uid 10001 uid 10002 depth 7\n"},
    {CODER_IS("replace", ".keys", "['KEY9','KEY8']"), CODER,
     "agent coder on of alice key 9 key 8 uid 10001 uid 10002 depth 7\n"},
    {CODER_IS("replace", ".keys", "['KEY1']"), "", ""},
    {TESTER_NOT(".keys"), TESTER, "agent coder/tester on depth 2 lang=c\n"},
    {TESTER_NOT(".keys[value eq \\'KEY2\\']"), TESTER,
     "agent coder/tester on key 3 depth 2 lang=c\n"},
    {TESTER_NOT(".keys[value eq \\'KEY3\\']"), TESTER,
     "agent coder/tester on key 2 depth 2 lang=c\n"},
    {CODER_IS("add", ".uids", "0"), CODER,
     "agent coder on of alice key 1 uid 10001 uid 10002 uid 0 depth 7\n"},
    {CODER_IS("add", ".uids", "[10002,7]"), CODER,
     "agent coder on of alice key 1 uid 10001 uid 10002 uid 7 depth 7\n"},
    {CODER_IS("replace", ".uids", "[4294967294]"), CODER,
     "agent coder on of alice key 1 uid 4294967294 depth 7\n"},
    {"{'op':'remove','path':'agents[id eq \\'coder\\'].uids[value eq "
     "10001]'}",
     CODER, "agent coder on of alice key 1 uid 10002 depth 7\n"},
    {"{'op':'remove','path':'agents[id eq \\'coder\\'].uids'}", CODER,
     "agent coder on of alice key 1 depth 7\n"},
    {TESTER_IS("replace", ".max_depth", "0"), TESTER,
     "agent coder/tester on key 2 key 3 depth 0 lang=c\n"},
    {TESTER_NOT(".max_depth"), TESTER,
     "agent coder/tester on key 2 key 3 depth 7 lang=c\n"},
    {TESTER_NOT(".attrs.lang"), TESTER,
     "agent coder/tester on key 2 key 3 depth 2\n"},
    {TESTER_NOT(""), TESTER, ""},
    {"{'op':'add','path':'agents','value':{'id':'bot','active':true,"
     "'owner':'bob','keys':['KEY9'],'uids':[5],'max_depth':1,"
     "'attrs':{'a':'b'}}}",
     "", "agent bot on of bob key 9 uid 5 depth 1 a=b\n"},
    {"{'op':'add','path':'agents','value':{'id':'bot','active':false}}", "",
     "agent bot off depth 7\n"},
    {TESTER_IS("replace", "", "{'active':false,'keys':[]}"), TESTER,
     "agent coder/tester off depth 2 lang=c\n"},
    /* approvers */
    {"{'op':'add','path':'approvers','value':{'person':'bob','active':true,"
     "'key':'KEY9','classes':['delete'],'roles':'lead'}}",
     "", "approver bob on key 9 for delete as lead\n"},
    {"{'op':'replace','path':'approvers[person eq \\'carol\\'].active',"
     "'value':false}",
     APP4, "approver carol off key 4 for delete,deploy as lead\n"},
    {"{'op':'replace','path':'approvers[key eq \\'KEY5\\'].active',"
     "'value':true}",
     APP5, "approver alice on key 5\n"},
    {"{'op':'remove','path':'approvers[kid eq \\'KID4\\'].classes"
     "[value eq \\'deploy\\']'}",
     APP4, "approver carol on key 4 for delete as lead\n"},
    {"{'op':'remove','path':'approvers[person eq \\'alice\\']'}", APP5, ""},
    /* groups */
    {GROUP("add", "viewers", ".members','value':'alice'"), ALICE,
     "user alice on in developers,ops,viewers dept=R&D \"x\" level=3\n"},
    {GROUP("add", "viewers", ".members','value':[{'value':'bob'}]"), "", ""},
    {GROUP("replace", "ops", ".members','value':['bob','carol']"),
     ALICE BOB CAROL,
     "user alice on in developers dept=R&D \"x\" level=3\n"
     "user bob on in viewers,ops\nuser carol off in ops\n"},
    {GROUP("remove", "ops", ".members'"), ALICE,
     "user alice on in developers dept=R&D \"x\" level=3\n"},
    {GROUP("remove", "ops", "'"), ALICE,
     "user alice on in developers dept=R&D \"x\" level=3\n"},
    {GROUP("remove", "viewers", ".members[value eq \\'bob\\']'"), BOB,
     "user bob on\n"},
    /* several, in their order */
    {NO_BOB("") ",{'op':'add','path':'users','value':{'id':'bob',"
                "'active':false}}",
     BOB, "user bob off\n"},
    {"{'op':'add','path':'users','value':{'id':'dora','active':true}},"
     "{'op':'add','path':'users[id eq \\'dora\\'].groups','value':'x'},"
     "{'op':'remove','path':'users[id eq \\'dora\\']'}",
     "", ""},
};

/* ' becomes ", KEYn the n-th key, KIDn its id. */
static const char *expand(const char *ops, struct ts_arena *arena)
{
    char *out, hex[2 * TRUST_KID_LEN + 1];
    uint8_t pk[TRUST_PK_LEN], kid[TRUST_KID_LEN];
    size_t n = 0, cap = strlen(ops) + 1024;
    void *p;

    assert_int_equal(ts_arena_alloc(arena, cap, &p), TS_OK);
    out = p;
    n += (size_t)snprintf(out, cap, HEAD);
    for (const char *s = ops; *s != '\0'; s++) {
        if (strncmp(s, "KEY", 3) == 0) {
            n += (size_t)snprintf(out + n, cap - n, "%s",
                                  sample_key(arena, (unsigned)(s[3] - '0')));
            s += 3;
        } else if (strncmp(s, "KID", 3) == 0) {
            sample_pk((unsigned)(s[3] - '0'), pk);
            trust_kid(pk, kid);
            ts_hex_encode(hex, kid, sizeof(kid));
            n += (size_t)snprintf(out + n, cap - n, "%s", hex);
            s += 3;
        } else {
            out[n++] = *s == '\'' ? '"' : *s;
        }
    }
    (void)snprintf(out + n, cap - n, "]}");
    return out;
}

static struct ts_bytes bytes_of(const char *s)
{
    return (struct ts_bytes){(const uint8_t *)s, strlen(s)};
}

/* The lines of a that are not in b, appended to out. */
static void lines_without(const char *a, const char *b, char *out)
{
    while (*a != '\0') {
        size_t n = (size_t)(strchr(a, '\n') - a) + 1;
        char line[512];

        (void)snprintf(line, sizeof(line), "%.*s", (int)n, a);
        if (strstr(b, line) == NULL)
            memcpy(out + strlen(out), line, n + 1);
        a += n;
    }
}

static void patch_each_operation_changes_what_it_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct directory_snapshot from, to;
        struct ts_arena arena;
        const char *before, *after;
        char err[512] = "", gone[2048] = "", come[2048] = "";

        ts_arena_init(&arena, 16 << 20);
        sample_snapshot(&arena, &from);
        before = sample_text(&from, &arena);
        if (directory_patch(bytes_of(expand(rows[i].ops, &arena)), &from,
                            &arena, &to, err, sizeof(err)) != TS_OK)
            fail_msg("%s: %s", rows[i].ops, err);
        after = sample_text(&to, &arena);
        lines_without(before, after, gone);
        lines_without(after, before, come);
        assert_string_equal(gone, rows[i].gone);
        assert_string_equal(come, rows[i].come);
        /* what it was made from is as it was, and the rest came along */
        assert_string_equal(sample_text(&from, &arena), before);
        assert_int_equal(to.seq, 7);
        assert_true(ts_str_eq_c(to.tenant, "acme"));
        ts_arena_done(&arena);
    }
}

static void patch_every_result_is_one_that_can_be_signed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct directory_snapshot from, to, again;
        struct ts_arena arena;
        struct ts_buf body;
        const char *what = "";
        char err[512] = "";
        uint32_t index = 0;

        ts_arena_init(&arena, 16 << 20);
        ts_buf_init(&body, 1 << 20);
        sample_snapshot(&arena, &from);
        assert_int_equal(directory_patch(bytes_of(expand(rows[i].ops, &arena)),
                                         &from, &arena, &to, err, sizeof(err)),
                         TS_OK);
        if (directory_snapshot_encode(&to, &body, &what, &index) != TS_OK)
            fail_msg("%s: %s %u", rows[i].ops, what, (unsigned)index);
        assert_int_equal(directory_snapshot_decode(
                             (struct ts_bytes){ts_buf_bytes(&body), body.len},
                             &arena, &again, &what, &index),
                         TRUST_OK);
        assert_string_equal(sample_text(&again, &arena),
                            sample_text(&to, &arena));
        ts_buf_done(&body);
        ts_arena_done(&arena);
    }
}

static ts_err scenario(const void *arg)
{
    const struct directory_snapshot *from = arg;
    static const char json[] =
        HEAD "{\"op\":\"add\",\"path\":\"users\",\"value\":{\"id\":\"zed\","
             "\"active\":true,\"groups\":[\"g\"],\"attrs\":{\"b\":\"1\",\"a\":"
             "\"2\"}}},"
             "{\"op\":\"add\",\"path\":\"groups[id eq \\\"g\\\"].members\","
             "\"value\":[\"alice\"]},"
             "{\"op\":\"remove\",\"path\":\"users[id eq \\\"alice\\\"].groups["
             "value eq \\\"ops\\\"]\"}]}";
    struct directory_snapshot to;
    struct ts_arena arena;
    char err[256];
    ts_err e;

    ts_arena_init(&arena, 16 << 20);
    e = directory_patch(
        (struct ts_bytes){(const uint8_t *)json, sizeof(json) - 1}, from,
        &arena, &to, err, sizeof(err));
    ts_arena_done(&arena);
    return e;
}

static void patch_memory_runs_out_anywhere_nothing_leaks(void **state)
{
    struct directory_snapshot from;
    struct ts_arena arena;

    (void)state;
    ts_arena_init(&arena, 16 << 20);
    sample_snapshot(&arena, &from);
    fault_mem_sweep(scenario, &from, TS_OK, 1);
    ts_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patch_each_operation_changes_what_it_names),
        cmocka_unit_test(patch_every_result_is_one_that_can_be_signed),
        cmocka_unit_test(patch_memory_runs_out_anywhere_nothing_leaks),
    };

    return trust_init() == TS_OK ? cmocka_run_group_tests(tests, NULL, NULL)
                                 : 1;
}
