/* Links in JSON: inside a policy set, and as a file of their own. */
#include "policy/core/diag.h"
#include "policy/core/limits.h"
#include "policy/core/lit.h"
#include "policy/core/uid.h"
#include "policy/est/read.h"
#include "policy/json/value_json.h"

/* The ways of writing a link differ in their keys and in how they write an
 * entity. */
struct format {
    struct est_shape shape; /* template, link, values */
    ts_err (*uid)(struct est_reader *r, const struct json *v,
                  const struct cedar_uid **ret);
};

static ts_err uid_of_json(struct est_reader *r, const struct json *v,
                          const struct cedar_uid **ret)
{
    return cedar_uid_from_json(r->temp, v, "the value of a slot", r->diags,
                               ret);
}

static ts_err uid_of_text(struct est_reader *r, const struct json *v,
                          const struct cedar_uid **ret)
{
    struct cedar_source text = {.name = "", .text = v->str};
    struct cedar_uid *uid;
    void *mem;
    ts_err e;

    if (v->kind != JSON_STRING)
        return est_fail(r, v, NULL, "an entity is a string here, not %s",
                        cedar_json_kind_name(v->kind));
    if ((e = ts_arena_alloc(r->temp, sizeof(*uid), &mem)) != TS_OK)
        return e;
    uid = mem;
    e = cedar_uid_parse(r->temp, &text, uid, NULL);
    if (e == TS_E_FORMAT)
        return est_fail(r, v, "write \"Type::\\\"id\\\"\"",
                        "\"%s\" is not an entity", cedar_quote(v->str).s);
    *ret = uid;
    return e;
}

static ts_err read_values(struct est_reader *r, const struct json *v,
                          const struct format *f, struct est_link *link)
{
    static const struct est_shape slots = {
        .what = "the slots of a link",
        .count = 2,
        .optional = 3,
        .keys = {CEDAR_LIT("?principal"), CEDAR_LIT("?resource")}};
    const struct json *m[2];
    ts_err e = est_members(r, v, &slots, m);

    if (e == TS_OK && m[0] != NULL)
        e = f->uid(r, m[0], &link->principal);
    if (e == TS_OK && m[1] != NULL)
        e = f->uid(r, m[1], &link->resource);
    return e;
}

static ts_err read_link(struct est_reader *r, struct cedar_ast *a,
                        const struct format *f, const struct json *v)
{
    struct est_link link = {.span = v->span};
    const struct json *m[3];
    ts_err e;

    if ((e = est_members(r, v, &f->shape, m)) != TS_OK)
        return e;
    if (m[0]->kind != JSON_STRING || m[1]->kind != JSON_STRING)
        return est_fail(r, m[0]->kind != JSON_STRING ? m[0] : m[1], NULL,
                        "the name of a policy is a string");
    link.template_id = m[0]->str;
    link.id = m[1]->str;
    if ((e = read_values(r, m[2], f, &link)) != TS_OK)
        return e;
    e = est_link(a, &link, r->diags);
    /* not the caller's mistake but the text's, and the next may be right */
    return e == TS_E_NOT_FOUND || e == TS_E_EXISTS || e == TS_E_INVALID
               ? TS_E_FORMAT
               : e;
}

static ts_err read_links(struct est_reader *r, struct cedar_ast *a,
                         const struct format *f, const struct json *list)
{
    ts_err first = TS_OK;

    for (const struct json *m = list->first; m != NULL; m = m->next) {
        ts_err e = read_link(r, a, f, m);

        if (e != TS_OK && e != TS_E_FORMAT)
            return e;
        first = first != TS_OK ? first : e;
    }
    return first;
}

ts_err est_links(struct est_reader *r, struct cedar_ast *a,
                 const struct json *list)
{
    static const struct format in_set = {
        .shape = {.what = "a link",
                  .count = 3,
                  .keys = {CEDAR_LIT("templateId"), CEDAR_LIT("newId"),
                           CEDAR_LIT("values")}},
        .uid = uid_of_json};

    return read_links(r, a, &in_set, list);
}

ts_err cedar_ast_link_json(struct cedar_ast *a,
                           const struct cedar_source *source,
                           struct cedar_diags *diags)
{
    static const struct format in_file = {
        .shape = {.what = "a link",
                  .count = 3,
                  .lenient = true,
                  .keys = {CEDAR_LIT("template_id"), CEDAR_LIT("link_id"),
                           CEDAR_LIT("args")}},
        .uid = uid_of_text};
    struct est_reader r = {.diags = diags};
    const struct json *v;
    struct ts_arena temp;
    ts_err e;

    cedar_diags_clear(diags);
    ts_arena_init(&temp, est_budget(source, 1, CEDAR_JSON_BYTES));
    r.arena = r.temp = &temp;
    e = cedar_json_parse(&temp, source->text, 0, diags, &v);
    if (e == TS_OK && v->kind != JSON_ARRAY)
        e = est_fail(&r, v, NULL, "links are an array, not %s",
                     cedar_json_kind_name(v->kind));
    if (e == TS_OK)
        e = read_links(&r, a, &in_file, v);
    ts_arena_done(&temp);
    return e;
}
