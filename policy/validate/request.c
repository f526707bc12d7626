/* Every kind of request that the schema allows and the scope lets through:
 * principal type, action, resource type. Kinds that the conditions cannot tell
 * apart are checked once. */
#include "policy/validate/validate_priv.h"

/* More pairs than this are checked anew for each action. */
#define PAIRS_MAX ((size_t)1 << 24)

/* What a constraint of the scope comes to for one type. */
struct constraint {
    bool done, is_false, ok;
};

struct sweep {
    struct validate *v;
    struct constraint *principals, *resources; /* by entity type */
    uint8_t *pairs; /* a bit for each that has been checked, or NULL */
    bool reached[3];
    bool all_false;
};

static struct constraint check_scope(struct sweep *s, unsigned which)
{
    struct validate *v = s->v;
    struct answer a = {.type = &v_true, .ok = true};

    v->stamp++;
    s->reached[which] = true;
    if (v->scope[which] != NULL)
        a = v_expect_one(v, v->scope[which], &v_bool, NULL);
    return (struct constraint){
        .done = true, .is_false = a.type == &v_false, .ok = a.ok};
}

static const struct constraint *type_constraint(struct sweep *s, unsigned which,
                                                uint32_t index)
{
    struct constraint *c =
        which == 0 ? &s->principals[index] : &s->resources[index];
    const struct schema_entity *e = &s->v->schema->entities[index];

    if (which == 0)
        s->v->env.principal = e;
    else
        s->v->env.resource = e;
    if (!c->done)
        *c = check_scope(s, which);
    return c;
}

static void levels(struct validate *v, uint32_t seen)
{
    if (v->level == CEDAR_ANY_LEVEL)
        return;
    for (uint32_t i = 0; i < seen && v->err == TS_OK; i++)
        v_check_level(v, v->conds[i]);
}

/* The conditions, joined by &&, in one kind of request whose scope holds. */
static void check_conditions(struct sweep *s, bool ok)
{
    struct validate *v = s->v;
    struct cap_list held = {0};
    bool untyped = false, is_false = false;
    uint32_t i = 0;

    v->stamp++;
    v->total++;
    while (i < v->cond_count && !is_false && v->err == TS_OK) {
        struct answer a = v_expect_one(v, v->conds[i++], &v_bool, NULL);

        ok &= a.ok;
        is_false = a.type == &v_false;
        untyped |= a.type == NULL;
        if (!is_false) {
            v_prior_add(v, a.caps);
            held = v_caps_join(held, a.caps);
        }
    }
    v_prior_drop(v, held);
    is_false &= !untyped;
    s->all_false &= is_false;
    if (ok || is_false)
        levels(v, i);
    if (v->err == TS_OK)
        ts_arena_reset(&v->temp);
}

/* Whether this pair has been seen with another action, and may be skipped. */
static bool pair_again(struct sweep *s, uint32_t p, uint32_t r)
{
    size_t at;

    if (s->pairs == NULL)
        return false;
    if ((s->v->uses & USES_PRINCIPAL) == 0)
        p = 0;
    if ((s->v->uses & USES_RESOURCE) == 0)
        r = 0;
    at = (size_t)p * s->v->schema->entity_count + r;
    if ((s->pairs[at / 8] >> (at % 8) & 1) != 0)
        return true;
    s->pairs[at / 8] |= (uint8_t)(1u << (at % 8));
    return false;
}

/* The indices of `types` whose constraint can hold. */
static uint32_t passing(struct sweep *s, unsigned which, const uint32_t *types,
                        uint32_t count, uint32_t *out)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < count && v_spend(s->v, 1); i++)
        if (!type_constraint(s, which, types[i])->is_false)
            out[n++] = types[i];
    return n;
}

static void check_pairs(struct sweep *s, const uint32_t *ps, uint32_t pn,
                        const uint32_t *rs, uint32_t rn, bool action_ok)
{
    struct validate *v = s->v;

    if ((v->uses & USES_PRINCIPAL) == 0)
        pn = 1;
    if ((v->uses & USES_RESOURCE) == 0)
        rn = 1;
    for (uint32_t i = 0; i < pn && v->err == TS_OK; i++)
        for (uint32_t j = 0; j < rn && v_spend(v, 1); j++) {
            const struct constraint *p = type_constraint(s, 0, ps[i]);
            const struct constraint *r = type_constraint(s, 2, rs[j]);

            if (!pair_again(s, ps[i], rs[j]))
                check_conditions(s, p->ok && action_ok && r->ok);
        }
}

static void check_action(struct sweep *s, const struct schema_action *a,
                         uint32_t *ps, uint32_t *rs)
{
    struct validate *v = s->v;
    struct constraint c;
    uint32_t pn, rn;

    if (a->principal_count == 0 || a->resource_count == 0)
        return;
    v->env.action = a;
    v->env.resource = &v->schema->entities[a->resources[0]];
    pn = passing(s, 0, a->principals, a->principal_count, ps);
    if (pn == 0 || v->err != TS_OK)
        return;
    v->env.principal = &v->schema->entities[ps[0]];
    c = check_scope(s, 1);
    if (c.is_false || v->err != TS_OK)
        return;
    rn = passing(s, 2, a->resources, a->resource_count, rs);
    if (rn > 0 && v->err == TS_OK)
        check_pairs(s, ps, pn, rs, rn, c.ok);
}

static void impossible(struct validate *v)
{
    struct v_saying say = {.code = "impossible_policy",
                           .severity = CEDAR_WARNING,
                           .label = "false for every request",
                           .hint = "look for a comparison of types that have "
                                   "nothing in common, or remove the policy"};
    struct vnode *n = v_node(v, V_BOOL, v->policy->span, 0);

    if (n != NULL)
        v_find(v, n, &say, "this policy can never apply to any request");
}

static void finish(struct sweep *s)
{
    struct validate *v = s->v;

    for (unsigned i = 0; i < 3 && v->level != CEDAR_ANY_LEVEL; i++)
        if (s->reached[i] && v->scope[i] != NULL && v->err == TS_OK)
            v_check_level(v, v->scope[i]);
    v->env = (struct venv){0};
    if (s->all_false && v->errors == 0 && v->err == TS_OK)
        impossible(v);
}

void v_check_requests(struct validate *v)
{
    size_t n = v->schema->entity_count;
    struct sweep s = {.v = v, .all_false = true};
    uint32_t *ps, *rs;

    s.principals = v_keep(v, n, sizeof(*s.principals));
    s.resources = v_keep(v, n, sizeof(*s.resources));
    ps = v_keep(v, n, sizeof(*ps));
    rs = v_keep(v, n, sizeof(*rs));
    if ((v->uses & (USES_ACTION | USES_CONTEXT)) == 0 && n * n <= PAIRS_MAX)
        s.pairs = v_keep(v, n * n / 8 + 1, 1);
    for (uint32_t i = 0; i < v->schema->action_count && v->err == TS_OK; i++)
        check_action(&s, &v->schema->actions[i], ps, rs);
    if (v->err == TS_OK)
        finish(&s);
}
