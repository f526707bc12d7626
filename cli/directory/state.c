#include "cli/directory/state.h"

#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_require.h"

/* A larger copy of an array of count items; *cap grows with it. */
static ts_err grow(struct ts_arena *arena, const void *from, uint32_t count,
                   size_t size, uint32_t *cap, void **ret)
{
    uint32_t more = *cap > 0 ? *cap * 2 : 16;
    void *p;
    ts_err e = ts_arena_array(arena, more, size, &p);

    if (e != TS_OK)
        return e;
    if (count > 0)
        memcpy(p, from, count * size);
    *cap = more;
    *ret = p;
    return TS_OK;
}

ts_err dir_state_new_user(struct dir_state *st, struct directory_user **ret)
{
    void *p = st->users;
    ts_err e;

    if (st->user_count == DIRECTORY_USERS_MAX)
        return TS_E_LIMIT;
    if (st->user_count == st->user_cap &&
        (e = grow(st->arena, st->users, st->user_count, sizeof(*st->users),
                  &st->user_cap, &p)) != TS_OK)
        return e;
    st->users = p;
    *ret = &st->users[st->user_count++];
    **ret = (struct directory_user){0};
    return TS_OK;
}

ts_err dir_state_new_agent(struct dir_state *st, struct directory_agent **ret)
{
    void *p = st->agents;
    ts_err e;

    if (st->agent_count == DIRECTORY_AGENTS_MAX)
        return TS_E_LIMIT;
    if (st->agent_count == st->agent_cap &&
        (e = grow(st->arena, st->agents, st->agent_count, sizeof(*st->agents),
                  &st->agent_cap, &p)) != TS_OK)
        return e;
    st->agents = p;
    *ret = &st->agents[st->agent_count++];
    **ret = (struct directory_agent){0};
    return TS_OK;
}

ts_err dir_state_new_approver(struct dir_state *st,
                              struct directory_approver **ret)
{
    void *p = st->approvers;
    ts_err e;

    if (st->approver_count == DIRECTORY_APPROVERS_MAX)
        return TS_E_LIMIT;
    if (st->approver_count == st->approver_cap &&
        (e = grow(st->arena, st->approvers, st->approver_count,
                  sizeof(*st->approvers), &st->approver_cap, &p)) != TS_OK)
        return e;
    st->approvers = p;
    *ret = &st->approvers[st->approver_count++];
    **ret = (struct directory_approver){0};
    return TS_OK;
}

ts_err dir_state_load(const struct directory_snapshot *s,
                      struct ts_arena *arena, struct dir_state *ret)
{
    struct dir_state st = {.arena = arena};
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < s->user_count; i++) {
        struct directory_user *u;

        if ((e = dir_state_new_user(&st, &u)) == TS_OK)
            *u = s->users[i];
    }
    for (uint32_t i = 0; e == TS_OK && i < s->agent_count; i++) {
        struct directory_agent *a;

        if ((e = dir_state_new_agent(&st, &a)) == TS_OK)
            *a = s->agents[i];
    }
    for (uint32_t i = 0; e == TS_OK && i < s->approver_count; i++) {
        struct directory_approver *a;

        if ((e = dir_state_new_approver(&st, &a)) == TS_OK)
            *a = s->approvers[i];
    }
    if (e == TS_OK)
        *ret = st;
    return e;
}

struct directory_user *dir_state_user(const struct dir_state *st,
                                      struct ts_str id)
{
    for (uint32_t i = 0; i < st->user_count; i++)
        if (ts_str_eq(st->users[i].id, id))
            return &st->users[i];
    return NULL;
}

struct directory_agent *dir_state_agent(const struct dir_state *st,
                                        struct ts_str id)
{
    for (uint32_t i = 0; i < st->agent_count; i++)
        if (ts_str_eq(st->agents[i].id, id))
            return &st->agents[i];
    return NULL;
}

void dir_state_drop_user(struct dir_state *st, const struct directory_user *u)
{
    size_t at = (size_t)(u - st->users);

    TS_REQUIRE(at < st->user_count);
    st->user_count--;
    memmove(&st->users[at], &st->users[at + 1],
            (st->user_count - at) * sizeof(*st->users));
}

void dir_state_drop_agent(struct dir_state *st, const struct directory_agent *a)
{
    size_t at = (size_t)(a - st->agents);

    TS_REQUIRE(at < st->agent_count);
    st->agent_count--;
    memmove(&st->agents[at], &st->agents[at + 1],
            (st->agent_count - at) * sizeof(*st->agents));
}

void dir_state_drop_approver(struct dir_state *st,
                             const struct directory_approver *a)
{
    size_t at = (size_t)(a - st->approvers);

    TS_REQUIRE(at < st->approver_count);
    st->approver_count--;
    memmove(&st->approvers[at], &st->approvers[at + 1],
            (st->approver_count - at) * sizeof(*st->approvers));
}

static int by_user_id(const void *a, const void *b)
{
    const struct directory_user *x = a, *y = b;

    return ts_str_cmp(x->id, y->id);
}

static int by_agent_id(const void *a, const void *b)
{
    const struct directory_agent *x = a, *y = b;

    return ts_str_cmp(x->id, y->id);
}

static int by_kid(const void *a, const void *b)
{
    const struct directory_approver *x = a, *y = b;

    return memcmp(x->kid, y->kid, TRUST_KID_LEN);
}

static int by_attr_key(const void *a, const void *b)
{
    const struct directory_attr *x = a, *y = b;

    return ts_str_cmp(x->key, y->key);
}

/* Into a copy: the array may be that of the snapshot before. */
static ts_err sort_attrs(struct ts_arena *arena,
                         const struct directory_attr **attrs, uint32_t count)
{
    void *p;
    ts_err e;

    if (count < 2)
        return TS_OK;
    if ((e = ts_arena_array(arena, count, sizeof(**attrs), &p)) != TS_OK)
        return e;
    memcpy(p, *attrs, count * sizeof(**attrs));
    qsort(p, count, sizeof(**attrs), by_attr_key);
    *attrs = p;
    return TS_OK;
}

ts_err dir_state_close(struct dir_state *st, struct directory_snapshot *ret)
{
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < st->user_count; i++)
        e = sort_attrs(st->arena, &st->users[i].attrs, st->users[i].attr_count);
    for (uint32_t i = 0; e == TS_OK && i < st->agent_count; i++)
        e = sort_attrs(st->arena, &st->agents[i].attrs,
                       st->agents[i].attr_count);
    if (e != TS_OK)
        return e;
    if (st->user_count > 1)
        qsort(st->users, st->user_count, sizeof(*st->users), by_user_id);
    if (st->agent_count > 1)
        qsort(st->agents, st->agent_count, sizeof(*st->agents), by_agent_id);
    if (st->approver_count > 1)
        qsort(st->approvers, st->approver_count, sizeof(*st->approvers),
              by_kid);
    ret->users = st->users;
    ret->user_count = st->user_count;
    ret->agents = st->agents;
    ret->agent_count = st->agent_count;
    ret->approvers = st->approvers;
    ret->approver_count = st->approver_count;
    return TS_OK;
}
