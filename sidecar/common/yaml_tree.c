#include "sidecar/common/yaml_tree.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "proto/base/ts_num.h"

struct builder {
    struct ts_arena *arena;
    const struct yaml_limits *limits;
    struct yaml_node
        *open[YAML_TREE_DEPTH_HARD]; /* containers not yet closed */
    size_t depth;
    struct yaml_node *root;
    bool has_key; /* in a map: the key of the next value is known */
    struct ts_str key;
    uint32_t nodes;
    uint32_t documents;
    struct yaml_fail *fail;
};

static ts_err refuse(struct builder *b, yaml_mark_t at, ts_err e,
                     const char *text)
{
    b->fail->line = (uint32_t)at.line + 1;
    b->fail->column = (uint32_t)at.column + 1;
    (void)snprintf(b->fail->text, sizeof(b->fail->text), "%s", text);
    return e;
}

static struct yaml_node *innermost(const struct builder *b)
{
    return b->depth > 0 ? b->open[b->depth - 1] : NULL;
}

static bool wants_key(const struct builder *b)
{
    const struct yaml_node *in = innermost(b);

    return in != NULL && in->kind == YAML_KIND_MAP && !b->has_key;
}

static ts_err set_key(struct builder *b, const yaml_event_t *ev)
{
    const struct yaml_node *in = innermost(b);
    const char *copy;
    struct ts_str k = {(const char *)ev->data.scalar.value,
                       ev->data.scalar.length};
    yaml_mark_t at = ev->start_mark;
    char text[128], name[64];
    ts_err e;

    if (b->limits->keys != 0 && in->count >= b->limits->keys)
        return refuse(b, at, TS_E_LIMIT, "too many keys in one map");
    for (const struct yaml_node *n = in->first; n != NULL; n = n->next) {
        if (!ts_str_eq(n->key, k))
            continue;
        (void)ts_str_escape(name, sizeof(name), k.ptr, k.len);
        (void)snprintf(text, sizeof(text),
                       "key \"%s\" is given twice; remove one", name);
        return refuse(b, at, TS_E_FORMAT, text);
    }
    e = ts_arena_strndup(b->arena, k.ptr, k.len, &copy);
    if (e != TS_OK)
        return refuse(b, at, e, "out of memory");
    b->key = (struct ts_str){copy, k.len};
    b->has_key = true;
    return TS_OK;
}

/* A new node, hung into the innermost open container. */
static ts_err add_node(struct builder *b, enum yaml_kind kind, yaml_mark_t at,
                       struct yaml_node **ret)
{
    struct yaml_node *in = innermost(b), *n;
    void *p;
    ts_err e;

    if (wants_key(b))
        return refuse(b, at, TS_E_FORMAT, "a key must be a plain word");
    if (++b->nodes > b->limits->nodes)
        return refuse(b, at, TS_E_LIMIT, "too many values in this file");
    e = ts_arena_alloc(b->arena, sizeof(*n), &p);
    if (e != TS_OK)
        return refuse(b, at, e, "out of memory");
    n = p;
    n->kind = kind;
    n->line = (uint32_t)at.line + 1;
    n->column = (uint32_t)at.column + 1;
    n->key = b->has_key ? b->key : (struct ts_str){.ptr = "", .len = 0};
    n->text = (struct ts_str){.ptr = "", .len = 0};
    b->has_key = false;
    if (in == NULL) {
        b->root = n;
    } else {
        if (in->last != NULL)
            in->last->next = n;
        else
            in->first = n;
        in->last = n;
        in->count++;
    }
    *ret = n;
    return TS_OK;
}

static ts_err add_scalar(struct builder *b, const yaml_event_t *ev)
{
    yaml_mark_t at = ev->start_mark;
    size_t len = ev->data.scalar.length;
    const char *s = (const char *)ev->data.scalar.value;
    struct yaml_node *n = NULL;
    const char *copy;
    ts_err e;

    if (ev->data.scalar.anchor != NULL || ev->data.scalar.tag != NULL)
        return refuse(b, at, TS_E_FORMAT,
                      "anchors and tags are not allowed; write the value out");
    if (memchr(s, '\0', len) != NULL || !ts_utf8_valid(s, len))
        return refuse(b, at, TS_E_FORMAT, "value holds NUL or is not UTF-8");
    if (wants_key(b))
        return set_key(b, ev);
    if ((e = add_node(b, YAML_KIND_SCALAR, at, &n)) != TS_OK)
        return e;
    if ((e = ts_arena_strndup(b->arena, s, len, &copy)) != TS_OK)
        return refuse(b, at, e, "out of memory");
    n->text = (struct ts_str){copy, len};
    n->is_plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return TS_OK;
}

static ts_err open_node(struct builder *b, enum yaml_kind kind, yaml_mark_t at,
                        bool is_marked)
{
    struct yaml_node *n = NULL;
    ts_err e;

    if (is_marked)
        return refuse(b, at, TS_E_FORMAT,
                      "anchors and tags are not allowed; write the value out");
    if (b->depth >= b->limits->depth)
        return refuse(b, at, TS_E_LIMIT, "nested too deeply");
    if ((e = add_node(b, kind, at, &n)) != TS_OK)
        return e;
    b->open[b->depth++] = n;
    return TS_OK;
}

static ts_err on_event(struct builder *b, const yaml_event_t *ev)
{
    yaml_mark_t at = ev->start_mark;

    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return add_scalar(b, ev);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(b, YAML_KIND_LIST, at,
                         ev->data.sequence_start.anchor != NULL ||
                             ev->data.sequence_start.tag != NULL);
    case YAML_MAPPING_START_EVENT:
        return open_node(b, YAML_KIND_MAP, at,
                         ev->data.mapping_start.anchor != NULL ||
                             ev->data.mapping_start.tag != NULL);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return TS_OK;
    case YAML_ALIAS_EVENT:
        return refuse(b, at, TS_E_FORMAT,
                      "aliases are not allowed; write the value out");
    case YAML_DOCUMENT_START_EVENT:
        if (++b->documents > 1)
            return refuse(b, at, TS_E_FORMAT,
                          "a second document; one file holds one");
        return TS_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
    return TS_OK;
}

/* What the library finds, and what people meant who wrote that. */
static const char *problem_of(const yaml_parser_t *parser)
{
    static const char token[] = "found character that cannot start any token";

    if (parser->problem == NULL)
        return "not YAML";
    if (strcmp(parser->problem, token) == 0)
        return "found character that cannot start any token: indent with "
               "spaces, not tabs, and quote words that begin with @ or `";
    return parser->problem;
}

static ts_err run(struct builder *b, yaml_parser_t *parser)
{
    static const yaml_mark_t start = {0};
    yaml_event_t ev;
    bool is_end = false;
    ts_err e;

    while (!is_end) {
        if (!yaml_parser_parse(parser, &ev)) {
            if (parser->error == YAML_MEMORY_ERROR)
                return refuse(b, start, TS_E_NOMEM, "out of memory");
            return refuse(b, parser->problem_mark, TS_E_FORMAT,
                          problem_of(parser));
        }
        is_end = ev.type == YAML_STREAM_END_EVENT;
        e = on_event(b, &ev);
        yaml_event_delete(&ev);
        if (e != TS_OK)
            return e;
    }
    if (b->root == NULL)
        return refuse(b, start, TS_E_FORMAT, "the file is empty");
    return TS_OK;
}

ts_err yaml_tree_parse(struct ts_str bytes, struct ts_arena *arena,
                       struct yaml_node **ret, struct yaml_fail *reterr)
{
    static const struct yaml_limits limits = {.depth = YAML_TREE_DEPTH_MAX,
                                              .nodes = YAML_TREE_NODES_MAX};

    return yaml_tree_parse_within(bytes, &limits, arena, ret, reterr);
}

ts_err yaml_tree_parse_within(struct ts_str bytes,
                              const struct yaml_limits *limits,
                              struct ts_arena *arena, struct yaml_node **ret,
                              struct yaml_fail *reterr)
{
    static const yaml_mark_t start = {0};
    struct builder b = {.arena = arena, .fail = reterr, .limits = limits};
    yaml_parser_t parser;
    ts_err e;

    *reterr = (struct yaml_fail){.line = 1, .column = 1};
    if (limits->depth > YAML_TREE_DEPTH_HARD)
        return refuse(&b, start, TS_E_INVALID, "the limits are wrong");
    if (!ts_utf8_valid(bytes.ptr, bytes.len)) /* libyaml would take UTF-16 */
        return refuse(&b, start, TS_E_FORMAT, "the file is not UTF-8");
    if (!yaml_parser_initialize(&parser))
        return refuse(&b, start, TS_E_NOMEM, "out of memory");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes.ptr,
                                 bytes.len);
    e = run(&b, &parser);
    yaml_parser_delete(&parser);
    if (e == TS_OK)
        *ret = b.root;
    return e;
}

const struct yaml_node *yaml_node_find(const struct yaml_node *map,
                                       const char *key)
{
    if (map == NULL || map->kind != YAML_KIND_MAP)
        return NULL;
    for (const struct yaml_node *n = map->first; n != NULL; n = n->next) {
        if (ts_str_eq_c(n->key, key))
            return n;
    }
    return NULL;
}

bool yaml_node_str(const struct yaml_node *n, struct ts_str *ret)
{
    if (n->kind != YAML_KIND_SCALAR)
        return false;
    if (n->is_plain && (n->text.len == 0 || ts_str_eq_c(n->text, "~") ||
                        ts_str_eq_c(n->text, "null")))
        return false;
    *ret = n->text;
    return true;
}

bool yaml_node_int(const struct yaml_node *n, int64_t *ret)
{
    size_t i = 0;
    int64_t v = 0;
    bool is_negative;

    if (n->kind != YAML_KIND_SCALAR || !n->is_plain || n->text.len == 0)
        return false;
    is_negative = n->text.ptr[0] == '-';
    i = is_negative ? 1 : 0;
    if (i == n->text.len ||
        (n->text.ptr[i] == '0' && (n->text.len > 1 || is_negative)))
        return false;
    for (; i < n->text.len; i++) {
        char c = n->text.ptr[i];

        if (c < '0' || c > '9' || ts_ckd_mul(&v, v, 10) ||
            ts_ckd_add(&v, v, (int64_t)(is_negative ? '0' - c : c - '0')))
            return false;
    }
    *ret = v;
    return true;
}

bool yaml_node_bool(const struct yaml_node *n, bool *ret)
{
    bool is_true;

    if (n->kind != YAML_KIND_SCALAR || !n->is_plain)
        return false;
    is_true = ts_str_eq_c(n->text, "true");
    if (!is_true && !ts_str_eq_c(n->text, "false"))
        return false;
    *ret = is_true;
    return true;
}
