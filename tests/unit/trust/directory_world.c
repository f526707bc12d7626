#include "directory_world.h"

#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/trust/revocation_record.h"

void dw_revocation(struct directory_world *g, enum revocation_kind kind,
                   const char *tenant)
{
    struct revocation_record r = {.tenant = ts_str_of(tenant),
                                  .kind = kind,
                                  .target = {(const uint8_t *)"mallory", 7},
                                  .keep_until = UINT64_MAX};
    struct ts_buf b;

    if (kind != REVOCATION_USER)
        r.target = (struct ts_bytes){(const uint8_t *)"0123456789abcdef", 16};
    ts_buf_init(&b, sizeof(g->revocation));
    TS_REQUIRE(revocation_record_make(&r, &g->w.key[KEY_REVOKER], &b) == TS_OK);
    memcpy(g->revocation, ts_buf_bytes(&b), b.len);
    g->revocations[0] = (struct ts_bytes){g->revocation, b.len};
    ts_buf_done(&b);
}

static void approver(struct directory_world *g, struct directory_approver *a,
                     enum world_key k, const char *person)
{
    *a = (struct directory_approver){.person = ts_str_of(person),
                                     .active = true,
                                     .classes = g->classes,
                                     .class_count = 2,
                                     .roles = g->roles,
                                     .role_count = 1};
    memcpy(a->pk, g->w.key[k].pk, TRUST_PK_LEN);
    trust_kid(a->pk, a->kid);
}

static void people(struct directory_world *g)
{
    g->groups[0] = TS_STR_LIT("staff");
    g->groups[1] = TS_STR_LIT("devs"); /* any order */
    g->classes[0] = TS_STR_LIT("four-eyes");
    g->classes[1] = TS_STR_LIT("confirm");
    g->roles[0] = TS_STR_LIT("lead");
    g->roles[1] = TS_STR_LIT("oncall");
    g->attrs[0] = (struct directory_attr){{"level", 5}, {"3", 1}};
    g->attrs[1] = (struct directory_attr){{"site_2", 6}, {"K\xc3\xb6ln", 5}};
    memcpy(g->agent_attrs, g->attrs, sizeof(g->attrs));
    g->users[0] = (struct directory_user){.id = TS_STR_LIT("alice"),
                                          .active = true,
                                          .groups = g->groups,
                                          .group_count = 2,
                                          .attrs = g->attrs,
                                          .attr_count = 2};
    g->users[1] = (struct directory_user){.id = TS_STR_LIT("carol")};
    g->agents[0] = (struct directory_agent){
        .id = TS_STR_LIT("builder"), .uids = {65534, 0}, .uid_count = 2};
    g->agents[1] = (struct directory_agent){.id = TS_STR_LIT("coder"),
                                            .active = true,
                                            .owner = TS_STR_LIT("alice"),
                                            .key_count = 2,
                                            .uids = {1001},
                                            .uid_count = 1,
                                            .max_depth = 7,
                                            .attrs = g->agent_attrs,
                                            .attr_count = 2};
    memcpy(g->agents[1].keys[0], g->w.key[KEY_CODER].pk, TRUST_PK_LEN);
    memcpy(g->agents[1].keys[1], g->w.key[KEY_SUB].pk, TRUST_PK_LEN);
    approver(g, &g->approvers[0], KEY_APPROVER, "alice");
    approver(g, &g->approvers[1], KEY_STRANGER, "carol");
    if (memcmp(g->approvers[0].kid, g->approvers[1].kid, TRUST_KID_LEN) > 0) {
        approver(g, &g->approvers[0], KEY_STRANGER, "carol");
        approver(g, &g->approvers[1], KEY_APPROVER, "alice");
    }
}

void dw_fresh(struct directory_world *g)
{
    people(g);
    dw_revocation(g, REVOCATION_USER, "acme");
    g->s = (struct directory_snapshot){.tenant = TS_STR_LIT("acme"),
                                       .seq = 7,
                                       .issued = W_NOW,
                                       .not_after = W_NOW + 60,
                                       .users = g->users,
                                       .user_count = 2,
                                       .agents = g->agents,
                                       .agent_count = 2,
                                       .approvers = g->approvers,
                                       .approver_count = 2,
                                       .revocations = g->revocations,
                                       .revocation_count = 1};
}

void dw_init(struct directory_world *g)
{
    *g = (struct directory_world){.s = {.seq = 0}};
    world_init(&g->w);
    ts_buf_init(&g->object, SIGNED_SNAPSHOT_MAX);
    ts_buf_init(&g->body, SIGNED_SNAPSHOT_MAX);
    dw_fresh(g);
}

void dw_done(struct directory_world *g)
{
    ts_buf_done(&g->body);
    ts_buf_done(&g->object);
    world_done(&g->w);
}

ts_err dw_encode(struct directory_world *g, const char **ret_what,
                 uint32_t *ret_index)
{
    *ret_what = NULL;
    *ret_index = 99;
    ts_buf_clear(&g->body);
    return directory_snapshot_encode(&g->s, &g->body, ret_what, ret_index);
}

struct ts_bytes dw_sign(struct directory_world *g, enum world_key k)
{
    const char *what;
    uint32_t index;

    TS_REQUIRE(dw_encode(g, &what, &index) == TS_OK);
    ts_buf_clear(&g->object);
    TS_REQUIRE(signed_make(SIGNED_SNAPSHOT, world_bytes(&g->body), &g->w.key[k],
                           &g->object) == TS_OK);
    return world_bytes(&g->object);
}

enum trust_code dw_verify(const struct directory_world *g, const char *tenant,
                          struct ts_bytes in, uint64_t now,
                          const char **ret_what)
{
    struct directory_snapshot s;
    struct ts_arena arena;
    enum trust_code c;

    ts_arena_init(&arena, DW_SCRATCH);
    c = directory_snapshot_verify(g->w.cfg.store, ts_str_of(tenant), in, now,
                                  &arena, &s, ret_what, NULL);
    ts_arena_done(&arena);
    return c;
}
