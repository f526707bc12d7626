#include "tests/unit/cli_directory/sample.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_require.h"

void sample_pk(unsigned n, uint8_t ret[TRUST_PK_LEN])
{
    uint8_t seed[TRUST_SEED_LEN];
    struct trust_secret s = {0};

    memset(seed, (int)n + 1, sizeof(seed));
    TS_REQUIRE(trust_secret_from_seed(seed, &s) == TS_OK);
    memcpy(ret, s.pk, TRUST_PK_LEN);
    trust_secret_done(&s);
}

const char *sample_key(struct ts_arena *arena, unsigned n)
{
    char hex[2 * TRUST_PK_LEN + 1];
    uint8_t pk[TRUST_PK_LEN];
    const char *copy = "";

    sample_pk(n, pk);
    ts_hex_encode(hex, pk, sizeof(pk));
    TS_REQUIRE(ts_arena_strndup(arena, hex, strlen(hex), &copy) == TS_OK);
    return copy;
}

static const struct ts_str developers[] = {{"developers", 10}, {"ops", 3}};
static const struct ts_str viewers[] = {{"viewers", 7}};
static const struct ts_str classes[] = {{"delete", 6}, {"deploy", 6}};
static const struct ts_str roles[] = {{"lead", 4}};
static const struct directory_attr alice_attrs[] = {
    {{"dept", 4}, {"R&D \"x\"", 7}}, {{"level", 5}, {"3", 1}}};
static const struct directory_attr tester_attrs[] = {{{"lang", 4}, {"c", 1}}};

static const struct directory_user users[] = {
    {{"alice", 5}, true, developers, 2, alice_attrs, 2},
    {{"bob", 3}, true, viewers, 1, NULL, 0},
    {{"carol", 5}, false, NULL, 0, NULL, 0},
};

static void approver(struct directory_approver *a, unsigned n)
{
    sample_pk(n, a->pk);
    trust_kid(a->pk, a->kid);
}

void sample_snapshot(struct ts_arena *arena, struct directory_snapshot *ret)
{
    struct directory_agent *agents;
    struct directory_approver *approvers, swap;
    void *p, *q;

    TS_REQUIRE(ts_arena_array(arena, 3, sizeof(*agents), &p) == TS_OK &&
               ts_arena_array(arena, 2, sizeof(*approvers), &q) == TS_OK);
    agents = p;
    approvers = q;
    agents[0] = (struct directory_agent){.id = TS_STR_LIT("coder"),
                                         .active = true,
                                         .owner = TS_STR_LIT("alice"),
                                         .key_count = 1,
                                         .uids = {10001, 10002},
                                         .uid_count = 2,
                                         .max_depth = 7};
    sample_pk(1, agents[0].keys[0]);
    agents[1] = (struct directory_agent){.id = TS_STR_LIT("coder/tester"),
                                         .active = true,
                                         .owner = TS_STR_LIT(""),
                                         .key_count = 2,
                                         .max_depth = 2,
                                         .attrs = tester_attrs,
                                         .attr_count = 1};
    sample_pk(2, agents[1].keys[0]);
    sample_pk(3, agents[1].keys[1]);
    agents[2] = (struct directory_agent){
        .id = TS_STR_LIT("reader"), .owner = TS_STR_LIT(""), .max_depth = 7};
    approvers[0] = (struct directory_approver){.person = TS_STR_LIT("carol"),
                                               .active = true,
                                               .classes = classes,
                                               .class_count = 2,
                                               .roles = roles,
                                               .role_count = 1};
    approver(&approvers[0], 4);
    approvers[1] = (struct directory_approver){.person = TS_STR_LIT("alice")};
    approver(&approvers[1], 5);
    if (memcmp(approvers[0].kid, approvers[1].kid, TRUST_KID_LEN) > 0) {
        swap = approvers[0];
        approvers[0] = approvers[1];
        approvers[1] = swap;
    }
    *ret = (struct directory_snapshot){.tenant = TS_STR_LIT("acme"),
                                       .seq = 7,
                                       .issued = 1000,
                                       .not_after = 2000,
                                       .users = users,
                                       .user_count = 3,
                                       .agents = agents,
                                       .agent_count = 3,
                                       .approvers = approvers,
                                       .approver_count = 2};
}

TS_PRINTF(2, 3) static void put(struct ts_buf *b, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    TS_REQUIRE(n >= 0 && (size_t)n < sizeof(text) &&
               ts_buf_append(b, text, (size_t)n) == TS_OK);
}

static void put_ids(struct ts_buf *b, const char *name,
                    const struct ts_str *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        put(b, "%s%.*s", i == 0 ? name : ",", (int)list[i].len, list[i].ptr);
}

static void put_attrs(struct ts_buf *b, const struct directory_attr *list,
                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        put(b, " %.*s=%.*s", (int)list[i].key.len, list[i].key.ptr,
            (int)list[i].value.len, list[i].value.ptr);
}

static void put_pk(struct ts_buf *b, const uint8_t *pk)
{
    for (unsigned n = 0; n < 100; n++) {
        uint8_t known[TRUST_PK_LEN];

        sample_pk(n, known);
        if (memcmp(pk, known, sizeof(known)) == 0) {
            put(b, " key %u", n);
            return;
        }
    }
    put(b, " key unknown");
}

const char *sample_text(const struct directory_snapshot *s,
                        struct ts_arena *arena)
{
    const char *copy = "";
    struct ts_buf b;

    ts_buf_init(&b, 1 << 20);
    for (uint32_t i = 0; i < s->user_count; i++) {
        const struct directory_user *u = &s->users[i];

        put(&b, "user %.*s %s", (int)u->id.len, u->id.ptr,
            u->active ? "on" : "off");
        put_ids(&b, " in ", u->groups, u->group_count);
        put_attrs(&b, u->attrs, u->attr_count);
        put(&b, "\n");
    }
    for (uint32_t i = 0; i < s->agent_count; i++) {
        const struct directory_agent *a = &s->agents[i];

        put(&b, "agent %.*s %s", (int)a->id.len, a->id.ptr,
            a->active ? "on" : "off");
        put_ids(&b, " of ", &a->owner, a->owner.len > 0);
        for (uint32_t k = 0; k < a->key_count; k++)
            put_pk(&b, a->keys[k]);
        for (uint32_t k = 0; k < a->uid_count; k++)
            put(&b, " uid %u", (unsigned)a->uids[k]);
        put(&b, " depth %u", (unsigned)a->max_depth);
        put_attrs(&b, a->attrs, a->attr_count);
        put(&b, "\n");
    }
    for (uint32_t i = 0; i < s->approver_count; i++) {
        const struct directory_approver *a = &s->approvers[i];

        put(&b, "approver %.*s %s", (int)a->person.len, a->person.ptr,
            a->active ? "on" : "off");
        put_pk(&b, a->pk);
        put_ids(&b, " for ", a->classes, a->class_count);
        put_ids(&b, " as ", a->roles, a->role_count);
        put(&b, "\n");
    }
    TS_REQUIRE(ts_arena_strndup(arena, (const char *)ts_buf_bytes(&b), b.len,
                                &copy) == TS_OK);
    ts_buf_done(&b);
    return copy;
}
