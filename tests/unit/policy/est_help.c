#include "tests/unit/policy/est_help.h"

#include <stdio.h>
#include <string.h>

#include "policy/fmt/equal.h"
#include "policy/syntax/ast.h"
#include "proto/base/ts_mem.h"

#define OUT_MAX ((size_t)32 << 20)

static struct cedar_options by_place(void)
{
    struct cedar_options o = cedar_options_default;

    o.require_id = false;
    o.max_policy_bytes = o.max_bytes;
    return o;
}

static void tell(ts_err e, const struct cedar_diags *diags)
{
    if (e != TS_OK)
        (void)fprintf(stderr, "%s: %s\n", diags->list[0].code,
                      diags->list[0].text);
}

struct cedar_ast *est_from_text(const char *text)
{
    static struct cedar_diags diags;
    struct cedar_options o = by_place();
    struct cedar_source src = {.name = "p.cedar", .text = ts_str_of(text)};
    struct cedar_ast *a = NULL;

    tell(cedar_ast_parse(&src, 1, &o, &a, &diags), &diags);
    return a;
}

struct cedar_ast *est_from_json(struct ts_str json)
{
    static struct cedar_diags diags;
    struct cedar_options o = by_place();
    struct cedar_source src = {.name = "p.json", .text = json};
    struct cedar_ast *a = NULL;

    tell(cedar_ast_parse_json(&src, 1, &o, &a, &diags), &diags);
    return a;
}

void est_squeeze(char *json)
{
    bool quoted = false;
    char *out = json;

    for (const char *p = json; *p != '\0'; p++) {
        if (!quoted && (*p == ' ' || *p == '\n'))
            continue;
        if (*p == '"')
            quoted = !quoted;
        *out++ = *p;
        if (quoted && *p == '\\')
            *out++ = *++p;
    }
    *out = '\0';
}

char *est_to_json(const struct cedar_ast *a)
{
    struct ts_buf out;
    char *json = NULL;

    ts_buf_init(&out, OUT_MAX);
    if (cedar_ast_print_set_json(a, &out) == TS_OK &&
        (json = ts_mem_alloc(out.len + 1)) != NULL) {
        memcpy(json, ts_buf_bytes(&out), out.len);
        json[out.len] = '\0';
        est_squeeze(json);
    }
    ts_buf_done(&out);
    return json;
}

static void forget_list_of_one(struct cedar_ast *a)
{
    for (struct ast_policy *p = a->tree.policies; p != NULL; p = p->next)
        if (p->action.uid_count == 1)
            p->action.list = false;
}

bool est_same(struct cedar_ast *a, struct cedar_ast *b)
{
    const struct ast_policy *p = a->tree.policies, *q = b->tree.policies;
    const struct ast_link *l = a->tree.links, *m = b->tree.links;

    forget_list_of_one(a);
    forget_list_of_one(b);
    for (; p != NULL && q != NULL; p = p->next, q = q->next)
        if (!ts_str_eq(p->id, q->id) || !fmt_policy_equal(p, q))
            return false;
    for (; l != NULL && m != NULL; l = l->next, m = m->next)
        if (!ts_str_eq(l->id, m->id) || !ts_str_eq(l->of->id, m->of->id))
            return false;
    return p == NULL && q == NULL && l == NULL && m == NULL &&
           a->tree.templates == b->tree.templates;
}
