/* How many entities must be looked up one after another (RFC 76): an entity
 * store can be sliced to that depth. Runs over an expression that has just been
 * checked, and only over what was looked at. */
#include "policy/validate/validate_priv.h"

struct path { /* attributes still to be taken from a record, innermost first */
    struct path *next;
    struct ts_str attr;
};

static uint32_t target_level(struct validate *v, struct vnode *n,
                             struct path *path);

static void literal_target(struct validate *v, struct vnode *n)
{
    struct v_saying say = {
        .code = "literal_dereferenced",
        .label = "an entity that no request names",
        .hint = "start from principal, action, resource or context"};

    v_find(v, n, &say,
           "with a limit on levels, an entity literal must not be looked up");
}

static void too_deep(struct validate *v, struct vnode *n, uint32_t level)
{
    struct v_saying say = {.code = "level_exceeded",
                           .label = "looks up one entity after another",
                           .hint = "pass the value in the context, or allow "
                                   "a higher level"};

    v_find(v, n, &say, "this needs level %u; the highest allowed is %u",
           level + 1, v->level);
}

static bool is_entity(const struct vnode *n)
{
    return n->op == V_VAR
               ? n->sub != AST_CONTEXT
               : n->type != NULL && (n->type->kind == TYPE_ENTITY ||
                                     n->type->kind == TYPE_ANY_ENTITY);
}

static uint32_t if_level(struct validate *v, struct vnode *n, struct path *path)
{
    uint32_t yes = 0, no = 0;

    v_check_level(v, n->kids[0]);
    if (n->seen >= 2)
        yes = target_level(v, n->kids[1], path);
    if (n->seen != 2)
        no = target_level(v, n->kids[2], path);
    return yes > no ? yes : no;
}

/* Only the attribute that is taken is a target; the others are mere parts. */
static uint32_t record_level(struct validate *v, struct vnode *n,
                             struct path *path)
{
    uint32_t level = 0;

    for (uint32_t i = 0; i < n->count && v->err == TS_OK; i++) {
        if (path != NULL && ts_str_eq(n->keys[i], path->attr))
            level = target_level(v, n->kids[i], path->next);
        else
            v_check_level(v, n->kids[i]);
    }
    return level;
}

static uint32_t end_level(struct validate *v, struct vnode *n,
                          struct path *path)
{
    if (n->op == V_SLOT ||
        (n->op == V_UID && (n->action == NULL || n->action != v->env.action)))
        literal_target(v, n);
    if (n->op == V_IF)
        return if_level(v, n, path);
    if (n->op == V_RECORD)
        return record_level(v, n, path);
    return 0;
}

/* Lookups that lead to the entity that n is. */
static uint32_t target_level(struct validate *v, struct vnode *n,
                             struct path *path)
{
    uint32_t level = 0;

    if (!v_enter(v))
        return 0;
    while ((n->op == V_GET || n->op == V_GET_TAG) && v_spend(v, 1)) {
        if (n->op == V_GET_TAG)
            v_check_level(v, n->kids[1]);
        if (n->op == V_GET_TAG || is_entity(n->kids[0])) {
            level++;
        } else {
            struct path *step = v_temp(v, 1, sizeof(*step));

            if (step == NULL)
                break;
            *step = (struct path){.next = path, .attr = n->str};
            path = step;
        }
        n = n->kids[0];
    }
    if (v->err == TS_OK)
        level += end_level(v, n, path);
    v_leave(v);
    return level;
}

static void kids_level(struct validate *v, struct vnode *n)
{
    uint32_t count = n->op == V_AND || n->op == V_OR ? n->seen : n->count;

    for (uint32_t i = 0; i < count && v->err == TS_OK; i++)
        if (n->op != V_IF || i == 0 || n->seen == 3 || n->seen == 3 - i)
            v_check_level(v, n->kids[i]);
}

static void lookup_level(struct validate *v, struct vnode *n)
{
    uint32_t level = target_level(v, n->kids[0], NULL);

    if (level >= v->level)
        too_deep(v, n, level);
}

void v_check_level(struct validate *v, struct vnode *n)
{
    if (!v_spend(v, 1) || !v_enter(v))
        return;
    if (n->op == V_IN || n->op == V_HAS_TAG || n->op == V_GET_TAG) {
        lookup_level(v, n);
        v_check_level(v, n->kids[1]);
    } else if ((n->op == V_HAS || n->op == V_GET) && is_entity(n->kids[0])) {
        lookup_level(v, n);
    } else {
        kids_level(v, n);
    }
    v_leave(v);
}
