/* A JSON set as text, so that clauses can be shown in the language. */
#include <stdio.h>
#include <string.h>

#include "cli/policy/inputs.h"
#include "proto/base/ts_buf.h"

#define TEXT_MAX ((size_t)16 << 20) /* bytes; what the parser takes */

/* The name is the key of the set; an @id that says another would replace it. */
static ts_err put_name(const struct cedar_ast *a, size_t i, struct ts_buf *out)
{
    struct ts_str id = cedar_ast_info(a, i).id, annotation;
    struct cedar_value v = cedar_string(id);
    char text[1024];
    ts_err e;

    if (cedar_ast_annotation(a, i, "id", &annotation))
        return ts_str_eq(annotation, id) ? TS_OK : TS_E_UNSUPPORTED;
    (void)cedar_value_print(&v, text, sizeof(text));
    if (id.len > 256 || (e = ts_buf_append(out, "@id(", 4)) != TS_OK ||
        (e = ts_buf_append(out, text, strlen(text))) != TS_OK)
        return TS_E_UNSUPPORTED;
    return ts_buf_append(out, ")\n", 2);
}

static ts_err print(const struct cedar_ast *a, struct ts_buf *out)
{
    ts_err e = TS_OK;

    for (size_t i = 0; i < cedar_ast_count(a) && e == TS_OK; i++) {
        if (cedar_ast_info(a, i).kind != CEDAR_STATIC)
            return TS_E_UNSUPPORTED; /* a link has no text */
        if ((e = put_name(a, i, out)) == TS_OK &&
            (e = cedar_ast_print(a, i, out)) == TS_OK)
            e = ts_buf_append(out, "\n", 1);
    }
    return e;
}

static bool reload(struct pol_inputs *in, struct ts_str text,
                   const struct pol_set *from, struct pol_set *ret)
{
    struct cedar_options options = cedar_options_default;
    struct cedar_source *s;
    const char *copy;
    char name[600];
    void *mem;

    options.require_id = true;
    (void)snprintf(name, sizeof(name), "%s (as text)",
                   from->files.list[0].name);
    if (ts_arena_alloc(&in->arena, sizeof(*s), &mem) != TS_OK)
        return false;
    s = mem;
    if (ts_arena_strndup(&in->arena, text.ptr, text.len, &copy) != TS_OK ||
        ts_arena_strndup(&in->arena, name, strlen(name), &s->name) != TS_OK)
        return false;
    s->text = (struct ts_str){.ptr = copy, .len = text.len};
    ret->files = (struct pol_files){.list = s, .count = 1};
    return cedar_ast_parse(s, 1, &options, &ret->ast, pol_diags(in)) == TS_OK &&
           cedar_ast_compile(ret->ast, &ret->compiled, pol_diags(in)) == TS_OK;
}

/* What the printer writes parses to the same tree, so the decisions are those
 * of the JSON. */
void pol_set_as_text(struct pol_inputs *in, struct pol_set *set)
{
    struct pol_set text = {0};
    struct ts_buf out;

    if (!set->json || set->compiled == NULL)
        return;
    ts_buf_init(&out, TEXT_MAX);
    if (print(set->ast, &out) == TS_OK &&
        reload(in,
               (struct ts_str){.ptr = (const char *)ts_buf_bytes(&out),
                               .len = out.len},
               set, &text)) {
        pol_set_done(set);
        *set = text;
    } else {
        pol_set_done(&text);
    }
    ts_buf_done(&out);
}
