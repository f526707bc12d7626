/* Links: a template with its slots filled is a policy of its own. */
#include <stdio.h>

#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/name.h"
#include "policy/core/uid.h"
#include "policy/est/tree.h"
#include "proto/base/ts_num.h"

static ts_err refuse(struct cedar_diags *diags, const struct est_link *link,
                     ts_err e, const char *code, const char *hint,
                     const char *what)
{
    struct cedar_diag_about about = {.hint = hint, .policy = &link->id};

    cedar_diag_put(diags, CEDAR_ERROR, code, link->span, &about,
                   "link \"%s\" of template \"%s\": %s",
                   cedar_quote(link->id).s, cedar_quote(link->template_id).s,
                   what);
    return e;
}

/* One slot against what was given for it. */
static ts_err check_slot(const struct est_link *link, bool slot,
                         const struct cedar_uid *uid, bool principal,
                         struct cedar_diags *diags)
{
    if (slot && uid == NULL)
        return refuse(diags, link, TS_E_INVALID, "missing_slot",
                      "every slot of the template needs an entity",
                      principal ? "`?principal` is not given"
                                : "`?resource` is not given");
    if (!slot && uid != NULL)
        return refuse(diags, link, TS_E_INVALID, "unknown_slot", "leave it out",
                      principal ? "the template has no slot `?principal`"
                                : "the template has no slot `?resource`");
    if (uid != NULL && !cedar_name_ok(uid->type))
        return refuse(diags, link, TS_E_INVALID, "bad_entity",
                      "identifiers joined by ::, without white space",
                      "an entity for a slot has no proper type name");
    return TS_OK;
}

/* Enough names for a hint; a set with more templates gets none of the rest. */
#define HINT_NAMES 64

static ts_err unknown_template(const struct cedar_ast *a,
                               const struct est_link *link,
                               struct cedar_diags *diags)
{
    struct ts_str names[HINT_NAMES], near;
    char hint[112] = "use the id of a policy with a slot";
    size_t n = 0;

    for (const struct ast_policy *p = a->tree.policies;
         p != NULL && n < HINT_NAMES; p = p->next)
        if (ast_is_template(p))
            names[n++] = p->id;
    near = cedar_did_you_mean(link->template_id, names, n);
    if (near.len > 0)
        (void)snprintf(hint, sizeof(hint), "did you mean \"%s\"?",
                       cedar_quote(near).s);
    return refuse(diags, link, TS_E_NOT_FOUND, "unknown_template", hint,
                  "there is no such template");
}

static ts_err check(const struct cedar_ast *a, const struct est_link *link,
                    struct cedar_diags *diags, const struct ast_policy **ret)
{
    const struct ast_id *t = est_id_find(a->ids, link->template_id);
    const struct ast_policy *p;
    ts_err e;

    if (t == NULL || t->index >= a->tree.count)
        return unknown_template(a, link, diags);
    p = a->policies[t->index];
    if (!ast_is_template(p))
        return refuse(diags, link, TS_E_NOT_FOUND, "unknown_template",
                      "use the id of a policy with a slot",
                      "that policy has no slot, so nothing can be linked");
    if (est_id_find(a->ids, link->id) != NULL)
        return refuse(diags, link, TS_E_EXISTS, "duplicate_id",
                      "give the link an id of its own",
                      "a policy, template or link of that id exists already");
    if ((e = check_slot(link, p->principal.slot, link->principal, true,
                        diags)) != TS_OK ||
        (e = check_slot(link, p->resource.slot, link->resource, false,
                        diags)) != TS_OK)
        return e;
    if (a->tree.link_count >= CEDAR_LINKS)
        return refuse(diags, link, TS_E_LIMIT, "too_many_links", NULL,
                      "there are too many links");
    *ret = p;
    return TS_OK;
}

/* A link is paid for by its own bytes, as text is by its. */
static ts_err raise_budget(struct cedar_ast *a, const struct est_link *link)
{
    size_t bytes = link->id.len, budget;
    const struct cedar_uid *const uids[] = {link->principal, link->resource};

    for (size_t i = 0; i < 2; i++)
        if (uids[i] != NULL && (ts_ckd_add(&bytes, bytes, uids[i]->type.len) ||
                                ts_ckd_add(&bytes, bytes, uids[i]->id.len)))
            return TS_E_LIMIT;
    if (bytes > CEDAR_POLICY_BYTES)
        return TS_E_LIMIT;
    if (ts_ckd_add(&budget, a->arena.budget,
                   bytes * CEDAR_LINK_PER_BYTE + CEDAR_LINK_BASE))
        return TS_E_LIMIT;
    a->arena.budget = budget;
    return TS_OK;
}

static ts_err slot_uid(struct cedar_ast *a, const struct cedar_uid *uid,
                       struct ast_expr **ret)
{
    struct ast_expr *x;
    void *mem;
    ts_err e;

    if (uid == NULL)
        return TS_OK;
    if ((e = ts_arena_alloc(&a->arena, sizeof(*x), &mem)) != TS_OK)
        return e;
    x = mem;
    *x = (struct ast_expr){.op = AST_UID, .height = 1};
    if ((e = cedar_str_copy(&a->arena, uid->type, &x->str)) != TS_OK ||
        (e = cedar_str_copy(&a->arena, uid->id, &x->id)) != TS_OK)
        return e;
    *ret = x;
    return TS_OK;
}

/* Room for one more in the array; doubling keeps the copies linear. */
static ts_err grow(struct cedar_ast *a)
{
    uint32_t n = a->tree.link_count, room = n < 16 ? 16 : 2 * n;
    const struct ast_link **more;
    void *mem;
    ts_err e;

    if (n < a->link_room)
        return TS_OK;
    if ((e = ts_arena_array(&a->arena, room, sizeof(*more), &mem)) != TS_OK)
        return e;
    more = mem;
    for (uint32_t i = 0; i < n; i++)
        more[i] = a->links[i];
    a->links = more;
    a->link_room = room;
    return TS_OK;
}

ts_err est_link(struct cedar_ast *a, const struct est_link *link,
                struct cedar_diags *diags)
{
    const struct ast_policy *of;
    uint32_t n = a->tree.link_count;
    struct ast_link *l;
    void *mem;
    ts_err e = check(a, link, diags, &of);

    if (e != TS_OK)
        return e;
    if (raise_budget(a, link) != TS_OK)
        return refuse(diags, link, TS_E_LIMIT, "too_large", NULL,
                      "its id and entities are too long");
    if ((e = grow(a)) != TS_OK ||
        (e = ts_arena_alloc(&a->arena, sizeof(*l), &mem)) != TS_OK)
        return e;
    l = mem;
    *l = (struct ast_link){.of = of};
    if ((e = cedar_str_copy(&a->arena, link->id, &l->id)) != TS_OK ||
        (e = slot_uid(a, link->principal, &l->principal)) != TS_OK ||
        (e = slot_uid(a, link->resource, &l->resource)) != TS_OK ||
        (e = est_id_add(&a->arena, &a->ids, l->id, a->tree.count + n)) != TS_OK)
        return e;
    if (a->last_link != NULL)
        a->last_link->next = l;
    else
        a->tree.links = l;
    a->last_link = l;
    a->links[n] = l;
    a->tree.link_count = n + 1;
    return TS_OK;
}

ts_err cedar_ast_link(struct cedar_ast *a, struct ts_str template_id,
                      struct ts_str id, const struct cedar_uid *principal,
                      const struct cedar_uid *resource,
                      struct cedar_diags *diags)
{
    struct est_link link = {.template_id = template_id,
                            .id = id,
                            .principal = principal,
                            .resource = resource,
                            .span = {.line = 1, .column = 1}};

    cedar_diags_clear(diags);
    return est_link(a, &link, diags);
}
