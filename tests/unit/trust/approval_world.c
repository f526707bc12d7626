#include "approval_world.h"

#include "tests/lib/ts_test.h"

#include <string.h>

#include "proto/base/ts_require.h"

static const struct ts_str both[] = {{"confirm", 7}, {"four-eyes", 9}};
static const struct ts_str four_eyes[] = {{"four-eyes", 9}};
static const struct ts_str confirm[] = {{"confirm", 7}};

static bool find(void *ctx, const uint8_t kid[TRUST_KID_LEN],
                 struct approver *ret)
{
    struct approval_world *w = ctx;

    for (int i = 0; i < AP_NOBODY; i++) {
        uint8_t one[TRUST_KID_LEN];

        trust_kid(w->key[i].pk, one);
        if (memcmp(one, kid, sizeof(one)) != 0)
            continue;
        *ret = w->approvers[i];
        ret->active = !w->inactive[i];
        return true;
    }
    return false;
}

static bool revoked(void *ctx, const struct approver *a, uint64_t iat)
{
    struct approval_world *w = ctx;

    for (int i = 0; i < AP_NOBODY; i++)
        if (w->revoked[i] && ts_str_eq(w->approvers[i].person, a->person))
            return iat <= AP_NOW;
    return false;
}

static bool owns(void *ctx, struct ts_str tenant, struct ts_str agent,
                 struct ts_str person)
{
    (void)ctx;
    return ts_str_eq_c(tenant, "acme") && ts_str_eq_c(agent, "coder") &&
           ts_str_eq_c(person, "erin");
}

static void add(struct approval_world *w, enum approver_key k,
                const char *tenant, const char *person,
                const struct ts_str *classes, uint32_t count)
{
    struct approver *a = &w->approvers[k];

    *a = (struct approver){.tenant = ts_str_of(tenant),
                           .person = ts_str_of(person),
                           .active = true,
                           .classes = classes,
                           .class_count = count};
    memcpy(a->pk, w->key[k].pk, TRUST_PK_LEN);
}

static void make_ticket(struct approval_world *w)
{
    static const uint8_t args[] = {0x81, 0xa1, 'a', 0x01};
    static const uint8_t context[] = {0x80};

    w->ticket = (struct ticket){
        .decision_id = {0xd0, 1},
        .sidecar_id = TS_STR_LIT("sidecar/pod-7"),
        .tenant = TS_STR_LIT("acme"),
        .user = TS_STR_LIT("alice"),
        .agents = {TS_STR_LIT("coder"), TS_STR_LIT("coder/tester")},
        .agent_count = 2,
        .grant_id = {0x91},
        .block_id = {0xb1},
        .task = TS_STR_LIT("task-1"),
        .call_id = {0xc1},
        .tool = TS_STR_LIT("git.push"),
        .tool_digest = {0x71},
        .action = TS_STR_LIT("git.push"),
        .resource = TS_STR_LIT("Repo::\"acme/web\""),
        .args = {args, sizeof(args)},
        .context = {context, sizeof(context)},
        .rules = {{TS_STR_LIT("deploy"), TS_STR_LIT("four-eyes"), 2}},
        .rule_count = 1,
        .created = AP_CREATED,
        .expires = AP_EXPIRES,
        .policy_epoch = 3};
    approval_world_ticket(w);
}

void approval_world_init(struct approval_world *w)
{
    uint8_t seed[TRUST_SEED_LEN];

    *w = (struct approval_world){
        .people = {.ctx = w, .find = find, .revoked = revoked, .owns = owns}};
    TS_REQUIRE(trust_init() == TS_OK);
    for (int i = 0; i <= AP_COUNT_; i++) {
        memset(seed, 0x40 + i, sizeof(seed));
        TS_REQUIRE(trust_secret_from_seed(seed, i < AP_COUNT_
                                                    ? &w->key[i]
                                                    : &w->sidecar) == TS_OK);
    }
    add(w, AP_ALICE, "acme", "alice", both, 2);
    add(w, AP_BOB, "acme", "bob", both, 2);
    add(w, AP_BOB_TOO, "acme", "bob", four_eyes, 1);
    add(w, AP_CAROL, "acme", "carol", four_eyes, 1);
    add(w, AP_DAVE, "acme", "dave", confirm, 1);
    add(w, AP_ERIN, "acme", "erin", four_eyes, 1);
    add(w, AP_FRANK, "beta", "frank", both, 2);
    ts_buf_init(&w->ticket_body, 1u << 17);
    ts_buf_init(&w->answer, 1u << 14);
    make_ticket(w);
}

void approval_world_done(struct approval_world *w)
{
    for (int i = 0; i < AP_COUNT_; i++)
        trust_secret_done(&w->key[i]);
    trust_secret_done(&w->sidecar);
    ts_buf_done(&w->ticket_body);
    ts_buf_done(&w->answer);
}

void approval_world_ticket(struct approval_world *w)
{
    ts_buf_clear(&w->ticket_body);
    TS_REQUIRE(ticket_encode(&w->ticket, &w->ticket_body) == TS_OK);
    ticket_id(
        (struct ts_bytes){ts_buf_bytes(&w->ticket_body), w->ticket_body.len},
        w->ticket_id);
}

struct approval approval_world_says(const struct approval_world *w,
                                    enum approver_key by)
{
    struct approval a = {.tenant = w->approvers[by % AP_NOBODY].tenant,
                         .person = w->approvers[by % AP_NOBODY].person,
                         .verdict = APPROVAL_YES,
                         .iat = AP_NOW - 10,
                         .exp = AP_NOW + 300,
                         .note = TS_STR_LIT("looked at it")};

    memcpy(a.ticket_id, w->ticket_id, sizeof(a.ticket_id));
    memcpy(a.decision_id, w->ticket.decision_id, sizeof(a.decision_id));
    return a;
}

struct ts_bytes approval_world_sign(struct approval_world *w,
                                    const struct approval *a,
                                    enum approver_key by)
{
    struct ts_buf body;
    struct ts_bytes b;

    ts_buf_init(&body, 4096);
    TS_REQUIRE(approval_body(a, &body) == TS_OK);
    b = (struct ts_bytes){ts_buf_bytes(&body), body.len};
    ts_buf_clear(&w->answer);
    TS_REQUIRE(approval_sign(b, &w->key[by], &w->answer) == TS_OK);
    ts_buf_done(&body);
    return (struct ts_bytes){ts_buf_bytes(&w->answer), w->answer.len};
}
