/* The values that an adaptive agent may choose for an argument. */
#include <stdio.h>
#include <string.h>

#include "cli/replay/links.h"
#include "cli/replay/reach.h"

#define IDS_MAX   60
#define WORD_MAX  40
#define LINE_MAX_ 60

enum kinds {
    KIND_OTHER = 1 << 0,
    KIND_EMAIL = 1 << LINK_EMAIL,
    KIND_URL = 1 << LINK_URL,
    KIND_ACCOUNT = 1 << LINK_ACCOUNT
};

struct pool {
    json_t *list, *known; /* texts or numbers; the same as keys */
    unsigned kinds;
    size_t max;
    bool failed;
};

static const char *text_of(json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static void add(struct pool *p, json_t *v)
{
    char number[32];
    const char *key = json_string_value(v);

    if (json_is_integer(v)) {
        (void)snprintf(number, sizeof(number), "%lld",
                       (long long)json_integer_value(v));
        key = number;
    }
    if (key == NULL || json_array_size(p->list) >= p->max ||
        json_object_get(p->known, key) != NULL)
        return;
    if (json_object_set_new(p->known, key, json_true()) != 0 ||
        json_array_append(p->list, v) != 0)
        p->failed = true;
}

static void add_text(struct pool *p, struct ts_str s)
{
    json_t *v = json_stringn(s.ptr, s.len);

    if (v != NULL) /* NULL: cut inside of a character */
        add(p, v);
    json_decref(v);
}

/* ---- of which kind ------------------------------------------------------ */

struct whole {
    size_t len;
    unsigned kind;
};

static bool is_whole(void *ctx, enum link_kind k, struct ts_str text)
{
    struct whole *w = ctx;

    if (text.len == w->len)
        w->kind = 1u << k;
    return false;
}

static void kinds_of(json_t *v, unsigned *kinds)
{
    struct whole w = {.len = json_string_length(v), .kind = KIND_OTHER};
    size_t i;
    json_t *c;

    if (json_is_string(v)) {
        links_in((struct ts_str){json_string_value(v), w.len}, is_whole, &w);
        *kinds |= w.kind;
    }
    json_array_foreach(v, i, c) kinds_of(c, kinds);
}

/* As all records of the suite have it. */
static unsigned recorded_kinds(const struct plan *p, const char *tool,
                               const char *arg)
{
    unsigned kinds = 0;
    size_t k;
    json_t *c;

    for (size_t i = 0; i < p->traces->count; i++) {
        const struct traces_record *r = &p->traces->records[i];

        if (r->kind == TRACES_RUN || strcmp(r->suite, p->shape->suite) != 0)
            continue;
        json_array_foreach(r->calls, k, c)
        {
            const char *name = text_of(c, "tool");

            if (name != NULL && strcmp(name, tool) == 0)
                kinds_of(json_object_get(json_object_get(c, "args"), arg),
                         &kinds);
        }
    }
    return kinds != 0 ? kinds : (unsigned)KIND_OTHER;
}

/* ---- from where --------------------------------------------------------- */

static bool on_link(void *ctx, enum link_kind k, struct ts_str text)
{
    struct pool *p = ctx;

    if ((p->kinds & (1u << k)) != 0)
        add_text(p, text);
    return true;
}

/* What stands between quotation marks. */
static void quoted(struct pool *p, const char *prompt)
{
    for (const char *s = prompt; *s != '\0'; s++) {
        const char *end;

        if (*s != '\'' && *s != '"')
            continue;
        end = strchr(s + 1, *s);
        if (end != NULL && end - s > 2 && end - s <= WORD_MAX + 1) {
            add_text(p, (struct ts_str){s + 1, (size_t)(end - s - 1)});
            s = end;
        }
    }
}

/* The words after a label, line by line: "Name: Ann" says Ann. */
static void lines(struct pool *p, const char *s)
{
    while (*s != '\0') {
        size_t n = strcspn(s, "\n"), skip = 0;

        for (size_t i = 0; i + 1 < n; i++)
            if (s[i] == ':' && s[i + 1] == ' ')
                skip = i + 2;
        if (n > skip && n <= LINE_MAX_)
            add_text(p, (struct ts_str){s + skip, n - skip});
        s += n + (s[n] == '\n');
    }
}

static void trusted_text(struct pool *p, json_t *v)
{
    const char *s = json_string_value(v);
    size_t n = json_string_length(v);

    links_in((struct ts_str){s, n}, on_link, p);
    if ((p->kinds & KIND_OTHER) == 0)
        return;
    if (n > 0 && n <= WORD_MAX && strchr(s, '@') == NULL)
        add(p, v);
    if (strchr(s, '\n') != NULL)
        lines(p, s);
}

static void trusted(struct pool *p, json_t *v)
{
    const char *key;
    size_t i;
    json_t *c;

    if (json_is_string(v))
        trusted_text(p, v);
    json_object_foreach(v, key, c)
    {
        links_in(ts_str_of(key), on_link, p); /* addresses may be keys */
        trusted(p, c);
    }
    json_array_foreach(v, i, c) trusted(p, c);
}

static bool is_id(const char *key)
{
    return strcmp(key, "id") == 0 || strcmp(key, "id_") == 0;
}

static void ids(struct pool *p, json_t *v, const char *type)
{
    bool wants_int = strcmp(type, "int") == 0;
    const char *key;
    size_t i;
    json_t *c;

    json_object_foreach(v, key, c)
    {
        if (is_id(key) && (wants_int ? json_is_integer(c) : json_is_string(c)))
            add(p, c);
        ids(p, c, type);
    }
    json_array_foreach(v, i, c) ids(p, c, type);
}

/* A number in the delegation stands as a text. */
static void add_pin(struct pool *p, const char *type, json_t *v)
{
    json_t *n = NULL;

    if (strcmp(type, "int") == 0 && json_is_string(v))
        n = json_loads(json_string_value(v), JSON_DECODE_ANY, NULL);
    if (n == NULL)
        add(p, v);
    else if (json_is_integer(n))
        add(p, n);
    json_decref(n);
}

/* What the delegation names for this argument. */
static void pinned(struct pool *p, json_t *delegation, const char *tool,
                   const struct shape_arg *arg)
{
    json_t *list = json_object_get(delegation, "capabilities"), *c, *x, *v;
    size_t i, k, m;

    json_array_foreach(list, i, c)
    {
        const char *name = text_of(c, "tool");

        if (name == NULL || strcmp(name, tool) != 0)
            continue;
        json_array_foreach(
            json_object_get(json_object_get(c, "args"), arg->name), k, x)
            json_array_foreach(json_object_get(x, "in"), m, v)
                add_pin(p, arg->type, v);
    }
}

static void outputs(struct pool *p, const struct plan *plan,
                    const struct traces_record *task,
                    const struct shape_arg *arg)
{
    size_t i;
    json_t *c;

    json_array_foreach(task->calls, i, c)
    {
        const char *name = text_of(c, "tool");
        const struct shape_tool *t =
            name != NULL ? shape_tool_of(plan->shape, name) : NULL;
        json_t *o;

        if (t == NULL || json_object_get(c, "error") != NULL)
            continue;
        o = output_of(c, &t->rules, plan->label);
        if (o == NULL)
            p->failed = true;
        if (arg->is_id)
            ids(p, o, arg->type);
        else
            trusted(p, json_object_get(o, &OUTPUT_TRUSTED_AT[1]));
        json_decref(o);
    }
}

static void closed(struct pool *p, const struct shape_arg *arg)
{
    size_t i;
    json_t *v;

    json_array_foreach(arg->one_of, i, v) add(p, v);
}

static void texts(struct pool *p, const struct plan *plan,
                  const struct traces_record *task,
                  const struct shape_tool *tool, const struct shape_arg *arg)
{
    const char *prompt = text_of(task->json, "user_task");

    pinned(
        p,
        traces_delegation(plan->traces, task->suite, task->task, plan->label),
        tool->name, arg);
    if (prompt != NULL && !arg->is_id) {
        links_in(ts_str_of(prompt), on_link, p);
        if ((p->kinds & KIND_OTHER) != 0)
            quoted(p, prompt);
    }
    outputs(p, plan, task, arg);
}

json_t *reach_pool(const struct plan *plan, const struct traces_record *task,
                   const struct shape_tool *tool, const struct shape_arg *arg)
{
    struct pool p = {.list = json_array(),
                     .known = json_object(),
                     .max = arg->is_id ? IDS_MAX : REACH_POOL_MAX};

    p.failed = p.list == NULL || p.known == NULL;
    if (p.failed || arg->one_of != NULL) {
        closed(&p, arg);
    } else {
        p.kinds = recorded_kinds(plan, tool->name, arg->name);
        texts(&p, plan, task, tool, arg);
    }
    json_decref(p.known);
    if (!p.failed)
        return p.list;
    json_decref(p.list);
    return NULL;
}
