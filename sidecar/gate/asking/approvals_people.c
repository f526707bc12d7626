/* Who may answer: approvers of the directories that are in force. */
#include "proto/trust/id.h"
#include "proto/trust/revocation.h"
#include "sidecar/gate/asking/approvals_priv.h"
#include "sidecar/gate/people/directory.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/revoke.h"

static bool find(void *ctx, const uint8_t kid[TRUST_KID_LEN],
                 struct approver *ret)
{
    const struct snapshot *s = ((struct gate *)ctx)->snapshot;

    for (uint32_t i = 0; i < s->tenant_count; i++) {
        const struct snapshot_tenant *t = &s->tenants[i];
        const struct directory_approver *a =
            directory_approver_find(t->directory, kid);

        if (a == NULL)
            continue;
        *ret = (struct approver){
            .tenant = t->name,
            .person = a->person,
            .active = a->active && trust_store_user(s->store, t->name,
                                                    a->person) == TRUST_ACTIVE,
            .classes = a->classes,
            .class_count = a->class_count};
        for (size_t k = 0; k < sizeof(ret->pk); k++)
            ret->pk[k] = a->pk[k];
        return true;
    }
    return false;
}

/* As an approver, or as the user that the approver is. */
static bool revoked(void *ctx, const struct approver *a, uint64_t iat)
{
    const struct gate *g = ctx;

    return revoked_approver(g, a->tenant, a->person, iat) ||
           revocations_hit(
               &g->revoked, REVOCATION_USER, a->tenant,
               (struct ts_bytes){.ptr = (const uint8_t *)a->person.ptr,
                                 .len = a->person.len},
               iat);
}

static const struct directory_agent *
find_agent(const struct directory_snapshot *p, struct ts_str id)
{
    uint32_t from = 0, to = p->agent_count; /* they ascend by id */

    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        int order = ts_str_cmp(p->agents[mid].id, id);

        if (order == 0)
            return &p->agents[mid];
        if (order < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return NULL;
}

/* Of the agent, and of everyone that it is a part of. */
static bool owns(void *ctx, struct ts_str tenant, struct ts_str agent,
                 struct ts_str person)
{
    const struct snapshot_tenant *t =
        snapshot_tenant_find(((struct gate *)ctx)->snapshot, tenant);

    for (; t != NULL && t->people != NULL && agent.len > 0;
         agent = trust_id_parent(agent)) {
        const struct directory_agent *a = find_agent(t->people, agent);

        if (a != NULL && ts_str_eq(a->owner, person))
            return true;
    }
    return false;
}

struct approval_people approvals_people(struct gate *g)
{
    return (struct approval_people){
        .ctx = g, .find = find, .revoked = revoked, .owns = owns};
}
