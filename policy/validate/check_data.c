/* Attributes and tags: what may be read, and what a test lets one read. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/validate/validate_priv.h"

static const struct cedar_type *const holders[] = {&v_any_entity,
                                                   &v_any_record};

/* How messages name what is read: the type of an entity, `context`, or a
 * record. */
static struct v_text owner_text(const struct validate *v, const struct vnode *n,
                                const struct cedar_type *t)
{
    struct v_text out;

    if (t->kind != TYPE_RECORD)
        (void)snprintf(out.s, sizeof(out.s), "`%.90s`", v_type_text(t).s);
    else if (n->op == V_VAR)
        (void)snprintf(
            out.s, sizeof(out.s), "the context of `%.80s`",
            v_uid_text(v->env.action->uid->type, v->env.action->uid->id).s);
    else
        (void)snprintf(out.s, sizeof(out.s), "the record `%.80s`",
                       v_path_text(n).s);
    return out;
}

static const struct cedar_attrs *attrs_of(const struct cedar_type *t)
{
    if (t->kind == TYPE_RECORD)
        return t->as.attrs;
    return t->kind == TYPE_ENTITY ? t->as.entities.list[0]->attrs : NULL;
}

/* "did you mean", else the attributes that there are. */
static void attr_hint(struct validate *v, const struct cedar_type *t,
                      struct ts_str name, char *out, size_t cap)
{
    const struct cedar_attrs *a = attrs_of(t);
    uint32_t n = a != NULL ? a->count : 0;
    struct ts_str *names = v_keep(v, n, sizeof(*names));
    struct v_text near;
    size_t at;

    out[0] = '\0';
    for (uint32_t i = 0; names != NULL && i < n && v_spend(v, 1); i++)
        names[i] = a->list[i].name;
    if (names == NULL || v->err != TS_OK)
        return;
    near = v_did_you_mean(v, name, names, n);
    if (near.s[0] != '\0') {
        (void)snprintf(out, cap, "%s", near.s);
        return;
    }
    at = (size_t)snprintf(out, cap, n == 0 ? "it has no attributes" : "it has");
    for (uint32_t i = 0; i < n; i++) {
        struct cedar_quoted q = cedar_quote(names[i]);
        int more = snprintf(NULL, 0, "%s `%s`", i == 0 ? "" : ",", q.s);

        if (at + (size_t)more + 5 > cap) {
            (void)snprintf(out + at, cap - at, " ...");
            return;
        }
        at += (size_t)snprintf(out + at, cap - at, "%s `%s`", i == 0 ? "" : ",",
                               q.s);
    }
}

static void no_attr(struct validate *v, struct vnode *n,
                    const struct cedar_type *t, bool maybe)
{
    struct v_saying say = {.code =
                               maybe ? "unsafe_attribute" : "unknown_attribute",
                           .label = "not declared in the schema"};
    struct cedar_quoted name = cedar_quote(n->str);
    char hint[CEDAR_HINT_BYTES];

    if (v_known(v, n, say.code))
        return;
    attr_hint(v, t, n->str, hint, sizeof(hint));
    say.hint = hint;
    if (maybe) {
        say.label = "not in all values that can stand here";
        v_find(v, n, &say, "`%s` is not in every one of %s", name.s,
               owner_text(v, n->kids[0], t).s);
    } else {
        v_find(v, n, &say, "%s has no attribute `%s`",
               owner_text(v, n->kids[0], t).s, name.s);
    }
}

static void optional_attr(struct validate *v, struct vnode *n,
                          const struct cedar_type *t, const struct v_attr *attr)
{
    struct v_saying say = {.code = "unsafe_optional_attribute"};
    struct cedar_quoted name = cedar_quote(n->str);
    struct v_text base = v_path_text(n->kids[0]);
    char hint[CEDAR_HINT_BYTES], label[CEDAR_LABEL_BYTES];

    if (v_known(v, n, say.code))
        return;
    (void)snprintf(label, sizeof(label), "`%.28s?: %.48s` is optional", name.s,
                   v_type_text(attr->type).s);
    (void)snprintf(hint, sizeof(hint), "guard it: `%.80s has %.50s && ...`",
                   base.s, name.s);
    say.label = label;
    say.hint = hint;
    v_find(v, n, &say, "the attribute `%s` of %s may be absent", name.s,
           owner_text(v, n->kids[0], t).s);
}

struct answer v_check_get(struct validate *v, struct vnode *n)
{
    struct answer a = v_expect(v, n->kids[0], holders, 2, NULL);
    struct v_attr attr;

    if (a.type == NULL)
        return v_answer(false, NULL);
    attr = v_attr_of(v, a.type, n->str);
    if (attr.type == NULL) {
        no_attr(v, n, a.type, attr.maybe);
        return v_answer(false, NULL);
    }
    if (!attr.required && v->prior[n->cap] == 0) {
        optional_attr(v, n, a.type, &attr);
        return v_answer(false, attr.type);
    }
    return v_answer(a.ok, attr.type);
}

struct answer v_check_has(struct validate *v, struct vnode *n)
{
    struct answer a = v_expect(v, n->kids[0], holders, 2,
                               "`has` is for entities and records; a set has "
                               "`contains`, a text has `like`");
    const struct cedar_type *t = &v_bool;
    struct v_attr attr;

    if (a.type == NULL)
        return v_answer(false, &v_bool);
    attr = v_attr_of(v, a.type, n->str);
    if (attr.type == NULL)
        return v_answer(a.ok, attr.maybe ? &v_bool : &v_false);
    /* An entity need not exist, so a required attribute of one may be absent;
     * unless it has been tested before. */
    if (v->prior[n->cap] > 0 || (attr.required && a.type->kind == TYPE_RECORD))
        t = &v_true;
    return (struct answer){.ok = a.ok, .type = t, .caps = v_cap(v, n->cap)};
}

/* ---- tags -----------------------------------------------------------------
 */

/* The upper bound of the tags of the types that have any; *ret_any: one has. */
static const struct cedar_type *
tag_type(struct validate *v, const struct cedar_type *t, bool *ret_any)
{
    bool all = t->kind == TYPE_ANY_ENTITY;
    uint32_t n = all ? v->schema->entity_count : t->as.entities.count;
    const struct cedar_type *sum = &v_never;
    enum lub_help why;

    *ret_any = false;
    for (uint32_t i = 0; i < n && v_spend(v, 1); i++) {
        const struct schema_entity *e =
            all ? &v->schema->entities[i] : t->as.entities.list[i];

        if (e->tags == NULL)
            continue;
        *ret_any = true;
        if (sum != NULL)
            sum = v_lub(v, sum, e->tags, v->strict, &why);
    }
    return sum;
}

static void unsafe_tag(struct validate *v, struct vnode *n,
                       const struct cedar_type *t)
{
    struct v_saying say = {.code = "unsafe_tag",
                           .label = "nothing says that it is present"};
    char hint[CEDAR_HINT_BYTES];

    if (n->kids[1]->op == V_STR)
        (void)snprintf(
            hint, sizeof(hint), "guard it: `%.60s.hasTag(\"%.50s\") && ...`",
            v_path_text(n->kids[0]).s, cedar_quote(n->kids[1]->str).s);
    else
        (void)snprintf(hint, sizeof(hint),
                       "guard it: `%.55s.hasTag(%.45s) && ...`, with exactly "
                       "this key",
                       v_path_text(n->kids[0]).s, v_path_text(n->kids[1]).s);
    say.hint = hint;
    v_find(v, n, &say, "this tag of `%.80s` may be absent", v_type_text(t).s);
}

static struct answer get_tag(struct validate *v, struct vnode *n, bool ok,
                             const struct cedar_type *t)
{
    struct v_saying none = {.code = "no_tags_allowed",
                            .label = "this type has no tags",
                            .hint = "declare `tags` for the type in the "
                                    "schema"},
                    mixed = {.code = "incompatible_types",
                             .label = "tags of different types"};
    const struct cedar_type *tag;
    bool any;

    if (v->prior[n->cap] == 0) {
        unsafe_tag(v, n, t);
        return v_answer(false, NULL);
    }
    tag = tag_type(v, t, &any);
    if (!any)
        v_find(v, n, &none, "the schema gives `%.80s` no tags",
               v_type_text(t).s);
    else if (tag == NULL)
        v_find(v, n, &mixed, "the tags of `%.80s` have no common type",
               v_type_text(t).s);
    return any && tag != NULL ? v_answer(ok, tag) : v_answer(false, NULL);
}

struct answer v_check_tag(struct validate *v, struct vnode *n)
{
    struct answer a =
        v_expect_one(v, n->kids[0], &v_any_entity, "only entities have tags");
    struct answer key =
        v_expect_one(v, n->kids[1], &v_string, "the key of a tag is text");
    bool ok = a.ok && key.ok, any;
    const struct cedar_type *t;

    if (a.type == NULL || a.type->kind == TYPE_NEVER)
        return v_answer(false, NULL);
    if (n->op == V_GET_TAG)
        return get_tag(v, n, ok, a.type);
    (void)tag_type(v, a.type, &any);
    t = !any ? &v_false : v->prior[n->cap] > 0 ? &v_true : &v_bool;
    return (struct answer){.ok = ok, .type = t, .caps = v_cap(v, n->cap)};
}
