/* The request of one case. What YAML says is made JSON, which the engine reads
 * with the schema's help. */
#include <string.h>

#include "cli/policy/report.h"
#include "cli/policy/suite/suite.h"
#include "policy/json/writer.h"

#define JSON_MAX ((size_t)16 << 20)

static void put_scalar(struct json_writer *w, const struct yaml_node *n)
{
    struct ts_str s;
    int64_t i;
    bool v;

    if (yaml_node_bool(n, &v))
        cedar_json_write_bool(w, v);
    else if (yaml_node_int(n, &i))
        cedar_json_write_int(w, i);
    else if (yaml_node_str(n, &s))
        cedar_json_write_str(w, s);
    else
        cedar_json_write_null(w);
}

/* The reader has counted the depth: SUITE_DEPTH_MAX. */
static void put_json(struct json_writer *w, const struct yaml_node *n)
{
    bool map = n->kind == YAML_KIND_MAP;

    if (n->kind == YAML_KIND_SCALAR) {
        put_scalar(w, n);
        return;
    }
    cedar_json_write_begin(w, map ? '{' : '[');
    for (const struct yaml_node *m = n->first; m != NULL; m = m->next) {
        if (map)
            cedar_json_write_key(w, m->key);
        put_json(w, m);
    }
    cedar_json_write_end(w, map ? '}' : ']');
}

/* A node as a source; what JSON says of it lives in the arena. */
static bool as_source(struct suite *s, const struct yaml_node *n,
                      struct cedar_source *ret)
{
    const char *text = "";
    struct json_writer w;
    struct ts_buf b;
    size_t len;
    ts_err e;

    ts_buf_init(&b, JSON_MAX);
    cedar_json_write_init(&w, &b);
    put_json(&w, n);
    e = cedar_json_write_done(&w);
    len = b.len;
    if (e == TS_OK)
        e = ts_arena_strndup(&s->in.arena, (const char *)ts_buf_bytes(&b), len,
                             &text);
    ts_buf_done(&b);
    if (e != TS_OK) {
        suite_complain(s, n, NULL, "%s", ts_err_text(e));
        return false;
    }
    *ret = (struct cedar_source){.name = s->file.name,
                                 .text = {.ptr = text, .len = len}};
    return true;
}

/* The first thing the engine said, at the place in the YAML. */
static void pass_on(struct suite *s, const struct yaml_node *at, ts_err e)
{
    const struct cedar_diag d = s->in.diags->list[0];

    if (s->in.diags->count == 0)
        suite_complain(s, at, NULL, "%s", ts_err_text(e));
    else
        suite_complain(s, at, d.hint, "%s", d.text);
}

static bool read_uid(struct suite *s, const struct suite_case *c,
                     const char *key, struct cedar_uid *ret)
{
    const struct yaml_node *n = yaml_node_find(c->node, key);
    struct cedar_source source = {.name = key};

    if (n == NULL) {
        suite_complain(s, c->node, NULL, "the case has no `%s`", key);
        return false;
    }
    if (yaml_node_str(n, &source.text) &&
        cedar_uid_parse(&s->in.arena, &source, ret, NULL) == TS_OK)
        return true;
    suite_complain(s, n, "write Type::\"id\"", "`%s` is not an entity uid",
                   key);
    return false;
}

static bool read_context(struct suite *s, const struct suite_case *c,
                         struct cedar_request *req)
{
    const struct yaml_node *n = yaml_node_find(c->node, "context");
    struct cedar_source source = {.name = s->file.name,
                                  .text = TS_STR_LIT("{}")};
    ts_err e;

    if (n != NULL && !as_source(s, n, &source))
        return false;
    e = cedar_context_parse(&s->in.arena, s->in.schema, &req->action, &source,
                            &req->context, pol_diags(&s->in));
    if (e == TS_OK)
        return true;
    if (s->in.diags->count > 0 &&
        strstr(s->in.diags->list[0].code, "action") != NULL)
        n = yaml_node_find(c->node, "action");
    pass_on(s, n != NULL ? n : c->node, e);
    return false;
}

static bool read_entities(struct suite *s, const struct suite_case *c,
                          struct cedar_entities **ret)
{
    const struct yaml_node *n = yaml_node_find(c->node, "entities");
    const struct pol_files *files = &s->in.entity_files;
    struct cedar_source *sources;
    void *mem;
    ts_err e;

    if (n == NULL)
        return true;
    if (ts_arena_array(&s->in.arena, files->count + 1, sizeof(*sources),
                       &mem) != TS_OK)
        return false;
    sources = mem;
    if (!as_source(s, n, &sources[0]))
        return false;
    for (size_t i = 0; i < files->count; i++)
        sources[i + 1] = files->list[i];
    e = s->in.schema != NULL
            ? cedar_entities_parse_schema(s->in.schema, sources,
                                          files->count + 1, ret,
                                          pol_diags(&s->in))
            : cedar_entities_parse(sources, files->count + 1, ret,
                                   pol_diags(&s->in));
    if (e != TS_OK)
        pass_on(s, n, e);
    return e == TS_OK;
}

bool suite_request(struct suite *s, const struct suite_case *c,
                   struct pol_request *ret)
{
    struct pol_request got = {0};
    ts_err e = TS_OK;

    if (!read_uid(s, c, "principal", &got.req.principal) ||
        !read_uid(s, c, "action", &got.req.action) ||
        !read_uid(s, c, "resource", &got.req.resource) ||
        !read_context(s, c, &got.req) || !read_entities(s, c, &got.entities))
        return false;
    if (s->in.schema != NULL)
        e = cedar_request_check(s->in.schema, &got.req, pol_diags(&s->in));
    if (e != TS_OK) {
        pass_on(s, c->node, e);
        pol_request_done(&got);
        return false;
    }
    *ret = got;
    return true;
}
