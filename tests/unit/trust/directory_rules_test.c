/* Directory snapshots: one thing wrong, and what is said about it. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>

#include "directory_world.h"
#include "proto/base/ts_mem.h"
#include "proto/wire/mp_write.h"
#include "tests/lib/fault_mem.h"

static struct directory_world g;

static int setup(void **state)
{
    (void)state;
    dw_init(&g);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fault_mem_disarm();
    dw_done(&g);
    return 0;
}

static enum trust_code decode(struct ts_bytes in)
{
    struct directory_snapshot s;
    struct ts_arena arena;
    const char *what = NULL;
    uint32_t index = 0;
    enum trust_code c;

    ts_arena_init(&arena, DW_SCRATCH);
    c = directory_snapshot_decode(in, &arena, &s, &what, &index);
    assert_int_equal(c != TRUST_OK, what != NULL);
    ts_arena_done(&arena);
    return c;
}

/* ---- one thing wrong --------------------------------------------------- */

static void refused(const char *what, uint32_t index)
{
    const char *got;
    uint32_t at;

    assert_int_equal(dw_encode(&g, &got, &at), TS_E_INVALID);
    assert_string_equal(got, what);
    assert_int_equal(at, index);
    assert_int_equal(g.body.len, 0);
    dw_fresh(&g);
}

static void a_head_that_is_wrong_is_named(void **state)
{
    (void)state;
    g.s.tenant = TS_STR_LIT("");
    refused("tenant", 0);
    g.s.tenant = TS_STR_LIT("a b");
    refused("tenant", 0);
    g.s.seq = 0;
    refused("seq", 0);
    g.s.not_after = g.s.issued;
    refused("not_after", 0);
}

static void a_user_that_is_wrong_is_named(void **state)
{
    static struct ts_str many[DIRECTORY_GROUPS_MAX + 1];
    static char names[DIRECTORY_GROUPS_MAX + 1][4];

    (void)state;
    g.users[1].id = TS_STR_LIT("a//b");
    refused("user", 1);
    g.users[1].id = TS_STR_LIT("carol//b"); /* in order, and no id */
    refused("user", 1);
    g.users[1].id = TS_STR_LIT("alice");
    refused("users are not in order", 1);
    g.users[1].id = TS_STR_LIT("aaron");
    refused("users are not in order", 1);
    g.groups[1] = g.groups[0];
    refused("user: groups", 0);
    g.groups[1] = TS_STR_LIT("x y");
    refused("user: groups", 0);
    for (size_t i = 0; i <= DIRECTORY_GROUPS_MAX; i++) {
        names[i][0] = (char)('a' + i / 26);
        names[i][1] = (char)('a' + i % 26);
        many[i] = (struct ts_str){names[i], 2};
    }
    g.users[0].groups = many;
    g.users[0].group_count = DIRECTORY_GROUPS_MAX + 1;
    refused("user: groups", 0);
    g.users[0].groups = many;
    g.users[0].group_count = DIRECTORY_GROUPS_MAX;
    (void)dw_sign(&g, KEY_DIRECTORY);
    dw_fresh(&g);
}

static void an_attribute_that_is_wrong_is_named(void **state)
{
    static const char *const bad_keys[] = {"",   "a-b", "Level",   "2a",
                                           "_a", "a b", "\xc3\xa4"};
    static char big[DIRECTORY_ATTR_VALUE_MAX + 1];
    static struct directory_attr many[DIRECTORY_ATTRS_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(bad_keys) / sizeof(bad_keys[0]); i++) {
        g.attrs[0].key = ts_str_of(bad_keys[i]);
        refused("user: attributes", 0);
        g.agent_attrs[0].key = ts_str_of(bad_keys[i]);
        refused("agent: attributes", 1);
    }
    g.attrs[1].key = g.attrs[0].key;
    refused("user: attributes", 0);
    g.attrs[1].key = TS_STR_LIT("a");
    refused("user: attributes", 0);
    memset(big, 'x', sizeof(big));
    g.attrs[1].value = (struct ts_str){big, sizeof(big)};
    refused("user: attributes", 0);
    g.attrs[1].value = (struct ts_str){big, sizeof(big) - 1};
    (void)dw_sign(&g, KEY_DIRECTORY);
    g.attrs[1].key = (struct ts_str){big, DIRECTORY_ATTR_KEY_MAX + 1};
    refused("user: attributes", 0);
    g.attrs[1].value = TS_STR_LIT("\xc3");
    refused("user: attributes", 0);
    for (size_t i = 0; i <= DIRECTORY_ATTRS_MAX; i++)
        many[i].key = (struct ts_str){&"abcdefghijklmnopq"[i], 1};
    g.users[0].attrs = many;
    g.users[0].attr_count = DIRECTORY_ATTRS_MAX + 1;
    refused("user: attributes", 0);
}

static void an_agent_that_is_wrong_is_named(void **state)
{
    (void)state;
    g.agents[1].id = TS_STR_LIT("builder");
    refused("agents are not in order", 1);
    g.agents[1].id = TS_STR_LIT("/coder");
    refused("agent", 1);
    g.agents[1].id = TS_STR_LIT("coder/");
    refused("agent", 1);
    g.agents[1].owner = TS_STR_LIT("bob");
    refused("agent: owner", 1);
    g.agents[1].key_count = TRUST_AGENT_KEYS_MAX + 1;
    refused("agent: keys", 1);
    memset(g.agents[1].keys[1], 0, TRUST_PK_LEN);
    refused("agent: keys", 1);
    memcpy(g.agents[1].keys[1], g.agents[1].keys[0], TRUST_PK_LEN);
    refused("agent: keys", 1);
    g.agents[0].uids[1] = g.agents[0].uids[0];
    refused("agent: uids", 0);
    g.agents[0].uid_count = TRUST_AGENT_UIDS_MAX + 1;
    refused("agent: uids", 0);
    g.agents[0].max_depth = TS_DEPTH_MAX + 1;
    refused("agent: max_depth", 0);
}

static void an_approver_that_is_wrong_is_named(void **state)
{
    static const struct ts_str many[DIRECTORY_CLASSES_MAX + 1] = {
        {"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"e", 1},
        {"f", 1}, {"g", 1}, {"h", 1}, {"i", 1}};
    struct directory_approver x;

    (void)state;
    g.approvers[1].person = TS_STR_LIT("bob");
    refused("approver", 1);
    g.approvers[1].person = TS_STR_LIT("");
    refused("approver", 1);
    g.approvers[0].kid[0] ^= 1; /* not that of the key */
    refused("approver: key", 0);
    memset(g.approvers[0].pk, 0, TRUST_PK_LEN);
    trust_kid(g.approvers[0].pk, g.approvers[0].kid);
    refused("approver: key", 0);
    x = g.approvers[0];
    g.approvers[0] = g.approvers[1];
    g.approvers[1] = x;
    refused("approvers are not in order", 1);
    g.approvers[1] = g.approvers[0];
    refused("approvers are not in order", 1);
    g.classes[1] = g.classes[0];
    refused("approver: classes", 0);
    g.approvers[1].roles = many;
    g.approvers[1].role_count = DIRECTORY_CLASSES_MAX + 1;
    refused("approver: roles", 1);
}

static void a_revocation_that_is_wrong_is_named(void **state)
{
    (void)state;
    dw_revocation(&g, REVOCATION_USER, "beta");
    refused("revocation", 0);
    dw_revocation(&g, REVOCATION_SESSION, "acme");
    refused("revocation", 0);
    g.revocations[0].len--;
    refused("revocation", 0);
    g.revocations[0].len = 0;
    refused("revocation", 0);
    dw_revocation(&g, REVOCATION_ISSUER_KEY, "acme");
    (void)dw_sign(&g, KEY_DIRECTORY);
}

/* Counts over the limit, told before memory is asked for. */
static void lists_are_bounded(void **state)
{
    static const struct {
        uint32_t max;
        size_t list; /* 0 users, 1 agents, 2 approvers, 3 revocations */
        const char *what;
    } cases[] = {{DIRECTORY_USERS_MAX, 0, "users"},
                 {DIRECTORY_AGENTS_MAX, 1, "agents"},
                 {DIRECTORY_APPROVERS_MAX, 2, "approvers"},
                 {DIRECTORY_REVOCATIONS_MAX, 3, "revocations"}};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        static uint8_t raw[1u << 16];
        struct directory_snapshot s;
        struct ts_arena arena;
        const char *what = NULL;
        size_t n = 0;
        uint32_t count = cases[i].max + 1;

        memcpy(raw, "\x99\x01\xa1t\x01\x01\x02", 7);
        n = 7;
        for (size_t k = 0; k < cases[i].list; k++)
            raw[n++] = 0x90;
        raw[n++] = 0xdc;
        raw[n++] = (uint8_t)(count >> 8);
        raw[n++] = (uint8_t)count;
        ts_arena_init(&arena, DW_SCRATCH);
        assert_int_equal(
            directory_snapshot_decode((struct ts_bytes){raw, sizeof(raw)},
                                      &arena, &s, &what, NULL),
            TRUST_E_LIMIT);
        assert_string_equal(what, cases[i].what);
        assert_int_equal(arena.used, 0);
        ts_arena_done(&arena);
    }
}

static struct mp_writer begin_raw(uint8_t *raw, size_t cap)
{
    struct mp_writer m;

    mp_writer_init(&m, raw, cap);
    mp_write_array(&m, 9);
    mp_write_uint(&m, 1);
    mp_write_cstr(&m, "acme");
    for (unsigned v = 1; v <= 3; v++)
        mp_write_uint(&m, v); /* seq, issued, not_after */
    return m;
}

/* A list over its limit, with none of its elements: what follows it is well
 * formed up to the end, and would be read as the rest. */
static void list_over_its_limit_is_refused_whatever_follows(void **state)
{
    static const uint32_t max[] = {DIRECTORY_USERS_MAX, DIRECTORY_AGENTS_MAX,
                                   DIRECTORY_APPROVERS_MAX};
    const uint32_t copies = DIRECTORY_USERS_MAX / 64;
    static uint8_t raw[1u << 18];

    (void)state;
    for (uint32_t bad = 0; bad <= 3; bad++) { /* 3: none of them */
        struct mp_writer m = begin_raw(raw, sizeof(raw));
        size_t n;

        for (uint32_t i = 0; i < 3; i++)
            mp_write_array(&m, i == bad ? max[i] + 1 : 0);
        mp_write_array(&m, copies);
        for (uint32_t i = 0; i < copies; i++)
            mp_write_bin(&m, g.revocations[0].ptr, g.revocations[0].len);
        assert_int_equal(mp_written(&m, &n), TS_OK);
        assert_int_equal(decode((struct ts_bytes){raw, n}),
                         bad == 3 ? TRUST_OK : TRUST_E_LIMIT);
    }
}

/* Behind a good one: nothing of that one is left to be taken for it. */
static void revocation_that_is_none_is_refused_after_a_good_one(void **state)
{
    static const uint8_t none[] = {0xc1};
    static const uint8_t large[] = {0x93, 0xc5, 0xff, 0xff}; /* announced */
    static const enum trust_code want[] = {TRUST_OK, TRUST_E_FORMAT,
                                           TRUST_E_FORMAT, TRUST_E_LIMIT};
    static uint8_t raw[1u << 12];

    (void)state;
    ts_buf_clear(&g.object);
    assert_int_equal(signed_make(SIGNED_REVOCATION,
                                 (struct ts_bytes){none, sizeof(none)},
                                 &g.w.key[KEY_REVOKER], &g.object),
                     TS_OK);
    for (int i = 0; i < 4; i++) {
        const struct ts_bytes second[] = {g.revocations[0],
                                          {none, sizeof(none)},
                                          world_bytes(&g.object),
                                          {large, sizeof(large)}};
        struct mp_writer m = begin_raw(raw, sizeof(raw));
        size_t n;

        for (int k = 0; k < 3; k++)
            mp_write_array(&m, 0);
        mp_write_array(&m, 2);
        mp_write_bin(&m, g.revocations[0].ptr, g.revocations[0].len);
        mp_write_bin(&m, second[i].ptr, second[i].len);
        assert_int_equal(mp_written(&m, &n), TS_OK);
        assert_int_equal(decode((struct ts_bytes){raw, n}), want[i]);
    }
}

static void other_forms_are_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum trust_code want;
    } cases[] = {
        {"\x99\x01\xa1t\x01\x01\x02\x90\x90\x90\x90", 11, TRUST_OK},
        {"\x99\x02\xa1t\x01\x01\x02\x90\x90\x90\x90", 11, TRUST_E_VERSION},
        {"\x99\x01\xa1 \x01\x01\x02\x90\x90\x90\x90", 11, TRUST_E_ID},
        {"\x99\x01\xa0\x01\x01\x02\x90\x90\x90\x90", 10, TRUST_E_ID},
        {"\x98\x01\xa1t\x01\x01\x02\x90\x90\x90", 10, TRUST_E_FORMAT},
        {"\x9a\x01\xa1t\x01\x01\x02\x90\x90\x90\x90\x90", 12, TRUST_E_FORMAT},
        {"\x99\x01\xa1t\x01\x01\x02\x90\x90\x90\x90\x90", 12, TRUST_E_FORMAT},
        {"\x99\x01\xa1t\x01\x01\x02\x80\x90\x90\x90", 11, TRUST_E_FORMAT},
        {"\x99\x01\xa1t\x01\x01\x02\x91\x94\xa1u\x02\x90\x90\x90\x90\x90", 17,
         TRUST_E_FORMAT}, /* a status that is neither */
        {"\x99\x01\xa1t\x01\x01\x02\x91\x94\xa1u\x01\x90\x90\x90\x90\x90", 17,
         TRUST_OK},
        {"\x99\x01\xa1t\x01\x01\x02\x91\x93\xa1u\x01\x90\x90\x90\x90", 16,
         TRUST_E_FORMAT},
        {"\x99\x01\xa1t\x01\x01\x02\x90\x91\x97\xa1"
         "a\x01\xa0\x90\x91\xcf\x00\x00\x00\x01\x00\x00\x00\x00\x00\x90\x90"
         "\x90",
         29, TRUST_E_LIMIT}, /* a uid of 33 bits */
        {"\x99\x01\xa1t\x01\x01\x02\x90\x91\x97\xa1"
         "a\x01\xa0\x90\x90\xcd\x01\x00\x90\x90\x90",
         22, TRUST_E_DEPTH}, /* a depth of 256 is not 0 */
        {"\x99\x01\xa1t\x01\x01\x02\x90\x91\x97\xa1"
         "a\x01\xa0\x95\x90\x90\x00\x90\x90\x90\x90",
         22, TRUST_E_LIMIT}, /* told by the count, whatever follows */
        {"\x99\x01\xa1t\x01\x01\x02\x90\x91\x97\xa1"
         "a\x01\xa0\x90\x99\x00\x01\x02\x03\x04\x05\x06\x07\x08\x00\x90\x90"
         "\x90",
         29, TRUST_E_LIMIT},
        {"\x99\x01\xa1t\x01\x01\x02\x90\x91\x97\xa1"
         "a\x01\xa0\x90\x98\x00\x01\x02\x03\x04\x05\x06\x07\x00\x90\x90\x90",
         28, TRUST_OK},
        {"\x99\x01\xa1t\x01\x01\x02\xdd\x00\x00\x00\x00\x90\x90\x90", 15,
         TRUST_E_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (decode((struct ts_bytes){(const uint8_t *)cases[i].bytes,
                                     cases[i].len}) != cases[i].want)
            fail_msg("case %zu: not %s", i, trust_code_name(cases[i].want));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_head_that_is_wrong_is_named),
        T(a_user_that_is_wrong_is_named),
        T(an_attribute_that_is_wrong_is_named),
        T(an_agent_that_is_wrong_is_named),
        T(an_approver_that_is_wrong_is_named),
        T(a_revocation_that_is_wrong_is_named),
        T(lists_are_bounded),
        T(list_over_its_limit_is_refused_whatever_follows),
        T(revocation_that_is_none_is_refused_after_a_good_one),
        T(other_forms_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
