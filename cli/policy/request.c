/* One request, from options or from JSON. */
#include "cli/policy/request.h"

#include <string.h>

#include "cli/cmd.h"
#include "cli/policy/report.h"
#include "cli/policy/slice.h"
#include "policy/core/diag.h"
#include "policy/json/reader.h"

void pol_request_done(struct pol_request *r)
{
    cedar_entities_free(r->entities);
    r->entities = NULL;
}

const struct cedar_entities *pol_request_entities(const struct pol_inputs *in,
                                                  const struct pol_request *r)
{
    return r->entities != NULL ? r->entities : in->entities;
}

/* ---- from JSON ---------------------------------------------------------- */

struct reading { /* of one request */
    struct pol_inputs *in;
    const struct cedar_source *file; /* for the name */
    struct ts_str text;              /* of the request */
    struct cedar_span at;            /* where that begins in the file */
    struct cedar_diags *diags;
};

/* A member's own text as a source. */
static struct cedar_source part(const struct reading *r, const struct json *v)
{
    return (struct cedar_source){.name = r->file->name,
                                 .text = pol_slice(r->text, v->span)};
}

/* Diagnostics of a part, to where it stands in the request. */
static void move(const struct reading *r, uint32_t before, uint32_t source,
                 const struct json *v)
{
    pol_diags_move(r->diags, before, source, v->span, 0);
}

static bool wrong(const struct reading *r, const struct json *v,
                  const char *key, const char *hint)
{
    cedar_diag_add(r->diags, "bad_request", v->span, hint,
                   "`%s` is not an entity uid", key);
    return false;
}

/* {"type", "id"} alone is put into an "__entity", which the engine reads. */
static bool uid_object(const struct reading *r, const struct json *v,
                       struct cedar_uid *ret)
{
    struct cedar_source s = part(r, v);
    uint32_t before = r->diags->count;
    struct cedar_value value;
    char *text;
    void *mem;

    if (cedar_json_get(v, TS_STR_LIT("__entity")) == NULL) {
        static const char head[] = "{\"__entity\":";

        if (ts_arena_alloc(&r->in->arena, s.text.len + sizeof(head) + 1,
                           &mem) != TS_OK)
            return false;
        text = mem;
        memcpy(text, head, sizeof(head) - 1);
        memcpy(text + sizeof(head) - 1, s.text.ptr, s.text.len);
        text[sizeof(head) - 1 + s.text.len] = '}';
        s.text = (struct ts_str){.ptr = text, .len = s.text.len + sizeof(head)};
    }
    if (cedar_value_parse(&r->in->arena, &s, &value, r->diags) != TS_OK) {
        uint32_t n = r->diags->count < CEDAR_DIAGS_MAX ? r->diags->count
                                                       : CEDAR_DIAGS_MAX;

        for (uint32_t i = before; i < n; i++)
            r->diags->list[i].span = v->span;
        return false;
    }
    if (value.kind != CEDAR_ENTITY)
        return false;
    *ret = *value.as.uid;
    return true;
}

static bool read_uid(const struct reading *r, const struct json *obj,
                     const char *key, struct cedar_uid *ret)
{
    static const char hint[] =
        "write \"Type::\\\"id\\\"\" or {\"type\": \"Type\", \"id\": \"id\"}";
    const struct json *v = cedar_json_get(obj, ts_str_of(key));
    struct cedar_source s = {.name = r->file->name};
    uint32_t before = r->diags->count;

    if (v == NULL) {
        cedar_diag_add(r->diags, "bad_request", obj->span, hint,
                       "the request has no `%s`", key);
        return false;
    }
    if (v->kind == JSON_OBJECT)
        return uid_object(r, v, ret) ||
               (r->diags->count == before && wrong(r, v, key, hint));
    if (v->kind != JSON_STRING)
        return wrong(r, v, key, hint);
    s.text = v->str;
    if (cedar_uid_parse(&r->in->arena, &s, ret, NULL) != TS_OK)
        return wrong(r, v, key, hint);
    return true;
}

static bool read_context(const struct reading *r, const struct json *obj,
                         struct cedar_request *req)
{
    const struct json *v = cedar_json_get(obj, TS_STR_LIT("context"));
    struct cedar_source empty = {.name = r->file->name,
                                 .text = TS_STR_LIT("{}")};
    struct cedar_source s = v != NULL ? part(r, v) : empty;
    uint32_t before = r->diags->count;
    ts_err e = cedar_context_parse(&r->in->arena, r->in->schema, &req->action,
                                   &s, &req->context, r->diags);

    move(r, before, 0, v != NULL ? v : obj);
    return e == TS_OK;
}

/* The request's entities beside those of the files. Only about its own text can
 * there be anything to say: the files have been read. */
static bool read_entities(const struct reading *r, const struct json *obj,
                          struct cedar_entities **ret)
{
    const struct json *v = cedar_json_get(obj, TS_STR_LIT("entities"));
    const struct pol_files *files = &r->in->entity_files;
    struct cedar_source *sources;
    uint32_t before = r->diags->count;
    void *mem;
    ts_err e;

    if (v == NULL)
        return true;
    if (ts_arena_array(&r->in->arena, files->count + 1, sizeof(*sources),
                       &mem) != TS_OK)
        return false;
    sources = mem;
    sources[0] = part(r, v);
    if (files->count > 0)
        memcpy(sources + 1, files->list, files->count * sizeof(*sources));
    e = r->in->schema != NULL
            ? cedar_entities_parse_schema(r->in->schema, sources,
                                          files->count + 1, ret, r->diags)
            : cedar_entities_parse(sources, files->count + 1, ret, r->diags);
    move(r, before, 0, v);
    return e == TS_OK;
}

static bool known_members(const struct reading *r, const struct json *obj)
{
    static const struct ts_str keys[] = {
        {"principal", 9}, {"action", 6},   {"resource", 8},
        {"context", 7},   {"entities", 8},
    };
    const size_t n = sizeof(keys) / sizeof(keys[0]);

    for (const struct json *m = obj->first; m != NULL; m = m->next) {
        size_t i = 0;
        struct ts_str near;
        char hint[64] = "";

        while (i < n && !ts_str_eq(keys[i], m->key))
            i++;
        if (i < n)
            continue;
        near = cedar_did_you_mean(m->key, keys, n);
        if (near.len > 0)
            (void)snprintf(hint, sizeof(hint), "did you mean `%.*s`?",
                           (int)near.len, near.ptr);
        cedar_diag_add(r->diags, "bad_request", m->span, hint,
                       "a request has no member `%s`", cedar_quote(m->key).s);
        return false;
    }
    return true;
}

static bool check_request(struct pol_inputs *in, const struct pol_request *r,
                          struct cedar_diags *diags)
{
    if (in->schema == NULL)
        return true;
    return cedar_request_check(in->schema, &r->req, diags) == TS_OK;
}

bool pol_request_parse(struct pol_inputs *in, const struct cedar_source *file,
                       struct ts_str text, struct cedar_span at, bool validate,
                       struct pol_request *ret, struct cedar_diags *diags)
{
    struct reading r = {
        .in = in, .file = file, .text = text, .at = at, .diags = diags};
    struct pol_request got = {.span = at};
    const struct json *obj;
    uint32_t before = diags->count;
    bool ok = cedar_json_parse(&in->arena, text, 0, diags, &obj) == TS_OK;

    if (ok && obj->kind != JSON_OBJECT) {
        cedar_diag_add(diags, "bad_request", obj->span, NULL,
                       "a request is a JSON object");
        ok = false;
    }
    ok = ok && known_members(&r, obj) &&
         read_uid(&r, obj, "principal", &got.req.principal) &&
         read_uid(&r, obj, "action", &got.req.action) &&
         read_uid(&r, obj, "resource", &got.req.resource) &&
         read_context(&r, obj, &got.req) &&
         read_entities(&r, obj, &got.entities) &&
         (!validate || check_request(in, &got, diags));
    pol_diags_move(diags, before, 0, at, 0);
    if (!ok) {
        pol_request_done(&got);
        return false;
    }
    *ret = got;
    return true;
}

/* ---- from options ------------------------------------------------------- */

static bool option_uid(struct pol_inputs *in, const char *name,
                       const char *text, struct cedar_uid *ret)
{
    struct cedar_source s = {.name = name, .text = ts_str_of(text)};
    struct pol_files files = {.list = &s, .count = 1};
    ts_err e;

    if (text == NULL) {
        cli_error("%s is missing: a request needs --principal, --action and "
                  "--resource, or --request-json FILE",
                  name);
        return false;
    }
    e = cedar_uid_parse(&in->arena, &s, ret, pol_diags(in));
    if (e == TS_OK)
        return true;
    pol_complain_err(name, e, in->diags, &files);
    cli_error("%s: write an entity as Type::\"id\" (in a shell: "
              "'User::\"alice\"')",
              name);
    return false;
}

static bool option_context(struct pol_inputs *in, const char *path,
                           struct cedar_request *req)
{
    struct cedar_source s = {.name = "context", .text = TS_STR_LIT("{}")};
    struct pol_files files = {.list = &s, .count = 1};
    ts_err e;

    if (path != NULL && !pol_read(&in->arena, path, POL_FILE_MAX, &s))
        return false;
    e = cedar_context_parse(&in->arena, in->schema, &req->action, &s,
                            &req->context, pol_diags(in));
    if (e == TS_OK)
        return true;
    pol_complain_err(s.name, e, in->diags, &files);
    return false;
}

static bool from_file(struct pol_inputs *in, const char *path, bool validate,
                      struct pol_request *ret)
{
    struct cedar_span start = {.line = 1, .column = 1};
    struct cedar_source s;
    struct pol_files files = {.list = &s, .count = 1};

    if (!pol_read(&in->arena, path, POL_FILE_MAX, &s))
        return false;
    if (pol_request_parse(in, &s, s.text, start, validate, ret, pol_diags(in)))
        return true;
    pol_complain_err(s.name, TS_E_NOMEM, in->diags, &files);
    return false;
}

static bool from_options(struct pol_inputs *in,
                         const struct pol_request_options *o, bool validate,
                         struct pol_request *ret)
{
    struct pol_request got = {0};
    bool ok = option_uid(in, "--principal", o->principal, &got.req.principal);

    ok = option_uid(in, "--action", o->action, &got.req.action) && ok;
    ok = option_uid(in, "--resource", o->resource, &got.req.resource) && ok;
    if (!ok || !option_context(in, o->context, &got.req))
        return false;
    if (validate && !check_request(in, &got, pol_diags(in))) {
        pol_complain_err("the request", TS_E_INVALID, in->diags, NULL);
        return false;
    }
    *ret = got;
    return true;
}

bool pol_request_read(struct pol_inputs *in,
                      const struct pol_request_options *o,
                      struct pol_request *ret)
{
    bool validate = o->validation == NULL || strcmp(o->validation, "true") == 0;

    if (!validate && strcmp(o->validation, "false") != 0) {
        cli_error("--request-validation is true or false");
        return false;
    }
    if (o->json == NULL)
        return from_options(in, o, validate, ret);
    if (o->principal != NULL || o->action != NULL || o->resource != NULL ||
        o->context != NULL) {
        cli_error("--request-json holds the whole request: leave out "
                  "--principal, --action, --resource and --context");
        return false;
    }
    return from_file(in, o->json, validate, ret);
}
