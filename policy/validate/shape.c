/* Equal expressions get equal numbers, so that "is this access guarded" is one
 * look into an array. Nodes are numbered from the leaves up: two are equal when
 * operator, names and the numbers of their parts are. */
#include <string.h>

#include "policy/core/uid.h"
#include "policy/validate/validate_priv.h"

struct shape {
    struct vshape key;
    uint64_t hash;
};

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 29);
}

static uint64_t hash_key(const struct vshape *k)
{
    uint64_t h = mix(k->op + 1u, (uint64_t)k->a << 32 | k->b);

    h = cedar_hash_str(k->s, mix(h, (uint64_t)k->num));
    return mix(cedar_hash_str(k->t, h), 1);
}

static bool same(const struct vshape *x, const struct vshape *y)
{
    return x->op == y->op && x->a == y->a && x->b == y->b && x->num == y->num &&
           ts_str_eq(x->s, y->s) && ts_str_eq(x->t, y->t);
}

/* Room for one more; the table stays at most half full. */
static bool grow(struct validate *v)
{
    struct shapes *t = &v->shapes;
    uint32_t cap = t->cap == 0 ? 64 : t->cap * 2;
    struct shape *list;
    uint32_t *table;

    if (t->count < t->cap)
        return true;
    list = v_keep(v, cap, sizeof(*list));
    table = v_keep(v, (size_t)cap * 2, sizeof(*table));
    if (list == NULL || table == NULL)
        return false;
    if (t->count > 0)
        memcpy(list, t->list, t->count * sizeof(*list));
    t->list = list;
    t->table = table;
    t->cap = cap;
    t->mask = cap * 2 - 1;
    for (uint32_t i = 0; i < t->count; i++) {
        uint32_t at = (uint32_t)list[i].hash & t->mask;

        while (table[at] != 0 && v_spend(v, 1))
            at = (at + 1) & t->mask;
        table[at] = i + 1;
    }
    return v->err == TS_OK;
}

/* A text made to collide costs work, and meets the limit on that. */
uint32_t v_shape(struct validate *v, const struct vshape *key)
{
    struct shapes *t = &v->shapes;
    uint64_t hash = hash_key(key);
    uint32_t at;

    if (!grow(v))
        return 0;
    at = (uint32_t)hash & t->mask;
    while (t->table[at] != 0) {
        const struct shape *s = &t->list[t->table[at] - 1];

        if (!v_spend(v, 1))
            return 0;
        if (s->hash == hash && same(&s->key, key))
            return t->table[at] - 1;
        at = (at + 1) & t->mask;
    }
    t->list[t->count] = (struct shape){.key = *key, .hash = hash};
    t->table[at] = ++t->count;
    return t->count - 1;
}
