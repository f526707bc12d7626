/* Decodes a profile: names, sets and what it extends. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/sandbox/read_priv.h"
#include "sidecar/sandbox/sets.h"

#define TEXT_MAX      400 /* bytes of a description or a reason */
#define SET_DEPTH     4   /* sets in sets: @system-service, @default, names */
#define EXTENDS_DEPTH 4

static const struct {
    const char *key;
    enum list_kind kind;
} lists[] = {
    {"allow", LIST_ALLOW},
    {"refuse", LIST_REFUSE},
    {"absent", LIST_ABSENT},
    {"kill", LIST_KILL},
};
#define LISTS (sizeof(lists) / sizeof(lists[0]))

TS_PRINTF(3, 4)
ts_err read_fail(struct reading *r, uint32_t line, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (r->cap == 0)
        return TS_E_INVALID;
    n = snprintf(r->text, r->cap, "%s:%u: ", r->source->file, line);
    if (n < 0 || (size_t)n >= r->cap)
        return TS_E_INVALID;
    va_start(ap, fmt);
    if (vsnprintf(r->text + n, r->cap - (size_t)n, fmt, ap) < 0)
        r->text[n] = '\0';
    va_end(ap);
    return TS_E_INVALID;
}

const char *read_word(struct ts_str s, char out[READ_WORD_MAX])
{
    (void)ts_str_escape(out, READ_WORD_MAX, s.ptr, s.len);
    return out;
}

uint32_t read_action(enum list_kind kind)
{
    switch (kind) {
    case LIST_ALLOW:
        return SANDBOX_ALLOW;
    case LIST_REFUSE:
        return SANDBOX_ERRNO(1);
    case LIST_KILL:
        return SANDBOX_KILL;
    case LIST_NONE:
    case LIST_ABSENT:
    case LIST_RULES:
        break;
    }
    return SANDBOX_ABSENT;
}

ts_err read_call_set(struct reading *r, uint32_t i, uint32_t line,
                     const struct sandbox_call *c)
{
    struct sandbox_call *copy;
    void *room;
    ts_err e = ts_arena_alloc(r->arena, sizeof(*copy), &room);

    if (e != TS_OK)
        return e;
    copy = room;
    *copy = *c;
    r->p->rules[i] = copy;
    r->p->lines[i] = line;
    return TS_OK;
}

static const char *list_name(enum list_kind kind)
{
    for (size_t i = 0; i < LISTS; i++) {
        if (lists[i].kind == kind)
            return lists[i].key;
    }
    return "rules";
}

static ts_err name_call(struct reading *r, uint32_t i, enum list_kind kind,
                        bool by_set, uint32_t line)
{
    struct named *n = &r->named[i];

    if (n->kind != LIST_NONE && !n->by_set && !by_set) {
        return read_fail(r, line,
                         "%s stands in \"%s\" (line %u) too; it can have one "
                         "meaning only, so remove one",
                         r->p->calls.list[i].name, list_name(n->kind), n->line);
    }
    if (by_set && n->kind != LIST_NONE && (!n->by_set || n->kind >= kind))
        return TS_OK; /* a name beats a set, and of sets the stricter wins */
    *n = (struct named){.kind = kind, .by_set = by_set, .line = line};
    return TS_OK;
}

static const struct sandbox_set *set_find(struct ts_str name)
{
    for (const struct sandbox_set *s = sandbox_sets; s->name != NULL; s++) {
        if (ts_str_eq_c(name, s->name))
            return s;
    }
    return NULL;
}

/* Members that this table of calls lacks are older or newer than libseccomp. */
static ts_err name_set(struct reading *r, const struct sandbox_set *s,
                       enum list_kind kind, uint32_t line, int depth)
{
    const char *at = s->members;
    ts_err e = TS_OK;

    while (e == TS_OK && *at != '\0') {
        struct ts_str w = {at, strcspn(at, " ")};

        at += w.len + (at[w.len] == ' ' ? 1 : 0);
        if (w.ptr[0] == '@') {
            const struct sandbox_set *inner = set_find(w);

            if (inner != NULL && depth < SET_DEPTH)
                e = name_set(r, inner, kind, line, depth + 1);
        } else {
            int i = sandbox_calls_find(&r->p->calls, w);

            if (i >= 0)
                e = name_call(r, (uint32_t)i, kind, true, line);
        }
    }
    return e;
}

static ts_err name_item(struct reading *r, const struct yaml_node *n,
                        enum list_kind kind)
{
    struct ts_str w;
    const struct sandbox_set *s;
    const char *near;
    char shown[READ_WORD_MAX];
    int i;

    if (!yaml_node_str(n, &w))
        return read_fail(r, n->line,
                         "expected the name of a system call, or of a set in "
                         "quotation marks: \"@file-system\"");
    if (w.len > 0 && w.ptr[0] == '@' && (s = set_find(w)) != NULL)
        return name_set(r, s, kind, n->line, 0);
    i = sandbox_calls_find(&r->p->calls, w);
    if (i >= 0)
        return name_call(r, (uint32_t)i, kind, false, n->line);
    near = sandbox_calls_near(&r->p->calls, w);
    if (near != NULL)
        return read_fail(r, n->line, "there is no %s \"%s\"; did you mean %s?",
                         w.ptr[0] == '@' ? "set" : "system call",
                         read_word(w, shown), near);
    return read_fail(r, n->line,
                     "there is no %s \"%s\" on x86-64 or arm64; `tipstaff "
                     "sandbox show NAME` lists what there is",
                     w.len > 0 && w.ptr[0] == '@' ? "set" : "system call",
                     read_word(w, shown));
}

static ts_err read_lists(struct reading *r, const struct yaml_node *root)
{
    ts_err e = TS_OK;

    for (size_t i = 0; i < LISTS && e == TS_OK; i++) {
        const struct yaml_node *n = yaml_node_find(root, lists[i].key);

        if (n == NULL)
            continue;
        if (n->kind != YAML_KIND_LIST)
            return read_fail(r, n->line, "%s must be a list: [read, write]",
                             lists[i].key);
        for (n = n->first; n != NULL && e == TS_OK; n = n->next)
            e = name_item(r, n, lists[i].kind);
    }
    return e;
}

/* Lists over what is extended. A set opens nothing that has rules: they would
 * be gone without a word. */
static ts_err apply_lists(struct reading *r)
{
    ts_err e = TS_OK;

    for (uint32_t i = 0; i < r->p->calls.count && e == TS_OK; i++) {
        const struct named *n = &r->named[i];
        const struct sandbox_call *old = r->p->rules[i];
        const struct sandbox_call c = {.action = read_action(n->kind)};

        if (n->kind == LIST_NONE || n->kind == LIST_RULES ||
            (n->by_set && n->kind == LIST_ALLOW && old != NULL &&
             old->count > 0))
            continue;
        e = read_call_set(r, i, n->line, &c);
    }
    return e;
}

static ts_err text_of(struct reading *r, const struct yaml_node *root,
                      const char *key, const char **ret)
{
    const struct yaml_node *n = yaml_node_find(root, key);
    struct ts_str s;

    if (n == NULL)
        return read_fail(r, root->line, "\"%s:\" is missing", key);
    if (!yaml_node_str(n, &s) || s.len == 0 || s.len > TEXT_MAX ||
        memchr(s.ptr, '\n', s.len) != NULL)
        return read_fail(r, n->line, "%s must be one line of at most %d bytes",
                         key, TEXT_MAX);
    return ts_arena_strndup(r->arena, s.ptr, s.len, ret);
}

/* The file is called like the profile, so that neither is looked for twice. */
static ts_err check_name(struct reading *r, const struct yaml_node *root)
{
    const char *file = r->source->file, *slash = strrchr(file, '/');
    size_t len = strlen(r->p->name);
    char shown[READ_WORD_MAX];

    file = slash != NULL ? slash + 1 : file;
    if (strncmp(file, r->p->name, len) != 0 || strcmp(file + len, ".yaml") != 0)
        return read_fail(r, yaml_node_find(root, "name")->line,
                         "name is \"%s\", but the file is not %s.yaml; make "
                         "them the same",
                         read_word(ts_str_of(r->p->name), shown), shown);
    return TS_OK;
}

static ts_err inherit(struct reading *r, const struct yaml_node *root,
                      int depth);

static ts_err read_one(struct reading *r, const struct yaml_node *root,
                       bool is_overlay, int depth)
{
    void *room;
    ts_err e = ts_arena_array(r->arena, r->p->calls.count, sizeof(struct named),
                              &room);

    if (e != TS_OK)
        return e;
    r->named = room;
    if (!is_overlay)
        e = inherit(r, root, depth);
    if (e != TS_OK || (e = text_of(r, root, "name", &r->p->name)) != TS_OK ||
        (e = check_name(r, root)) != TS_OK ||
        (e = text_of(r, root, "description", &r->p->description)) != TS_OK ||
        (e = read_lists(r, root)) != TS_OK || (e = apply_lists(r)) != TS_OK ||
        (e = read_rules(r, yaml_node_find(root, "rules"))) != TS_OK ||
        (e = read_options(r, root)) != TS_OK)
        return e;
    return read_accepts(r, yaml_node_find(root, "accept"));
}

static ts_err parse(struct reading *r, struct yaml_node **ret)
{
    static const char *const keys[] = {"name",  "description", "extends",
                                       "allow", "refuse",      "absent",
                                       "kill",  "rules",       "accept"};
    struct yaml_fail yf = {0};
    struct yaml_node *root;
    char shown[READ_WORD_MAX];
    ts_err e;

    if (r->source->text.len > SANDBOX_PROFILE_BYTES_MAX)
        return read_fail(r, 1, "larger than %u bytes; a profile is a page",
                         SANDBOX_PROFILE_BYTES_MAX);
    e = yaml_tree_parse(r->source->text, r->arena, &root, &yf);
    if (e == TS_E_NOMEM)
        return e;
    if (e != TS_OK)
        return read_fail(r, yf.line, "%s", yf.text);
    if (root->kind != YAML_KIND_MAP)
        return read_fail(r, root->line,
                         "a profile is a map: \"name: ...\", \"extends: ...\"");
    for (const struct yaml_node *n = root->first; n != NULL; n = n->next) {
        size_t i = 0;

        while (i < sizeof(keys) / sizeof(keys[0]) &&
               !ts_str_eq_c(n->key, keys[i]))
            i++;
        if (i == sizeof(keys) / sizeof(keys[0]) && !read_is_option(n->key))
            return read_fail(r, n->line,
                             "unknown key \"%s\"; expected name, description, "
                             "extends, allow, refuse, absent, kill, rules, "
                             "accept or a restriction such as "
                             "restrict_suid_sgid",
                             read_word(n->key, shown));
    }
    *ret = root;
    return TS_OK;
}

/* A built-in profile is read into the one that extends it, which then changes
 * it. */
static ts_err inherit_builtin(struct reading *r, struct ts_str name,
                              uint32_t line, int depth)
{
    const struct sandbox_source *source =
        ts_str_eq_c(name, "strict") ? NULL : sandbox_builtin_source(name);
    struct reading base = *r;
    struct yaml_node *root;
    char shown[READ_WORD_MAX];
    ts_err e;

    if (source == NULL || depth >= EXTENDS_DEPTH)
        return read_fail(r, line,
                         "extends \"%s\", which is not built in; expected "
                         "pure, files, build, net, jit or \"@default\"",
                         read_word(name, shown));
    base.source = source;
    if ((e = parse(&base, &root)) != TS_OK ||
        (e = read_one(&base, root, false, depth + 1)) != TS_OK)
        return e;
    for (uint32_t i = 0; i < r->p->accept_count; i++)
        r->p->accepts[i].inherited = true;
    return TS_OK;
}

static ts_err inherit(struct reading *r, const struct yaml_node *root,
                      int depth)
{
    const struct yaml_node *n = yaml_node_find(root, "extends");
    struct ts_str name;
    ts_err e;

    if (n == NULL)
        return read_fail(r, root->line,
                         "\"extends:\" is missing; files is the usual, "
                         "\"@default\" has next to nothing");
    if (!yaml_node_str(n, &name))
        return read_fail(r, n->line, "extends must be one name");
    if (!ts_str_eq_c(name, "@default")) {
        e = inherit_builtin(r, name, n->line, depth);
    } else {
        const struct sandbox_set *s = set_find(name);

        e = s == NULL ? TS_E_NOT_FOUND : name_set(r, s, LIST_ALLOW, n->line, 0);
        if (e == TS_OK)
            e = apply_lists(r);
        memset(r->named, 0, r->p->calls.count * sizeof(r->named[0]));
    }
    memset(r->p->lines, 0, r->p->calls.count * sizeof(r->p->lines[0]));
    if (e == TS_OK)
        e = ts_arena_strndup(r->arena, name.ptr, name.len, &r->p->extends);
    return e;
}

ts_err read_profile(const struct sandbox_source *source, bool is_overlay,
                    struct ts_arena *arena, struct sandbox_profile **ret,
                    char *text, size_t cap)
{
    struct reading r = {
        .source = source, .arena = arena, .text = text, .cap = cap};
    struct yaml_node *root;
    void *room;
    ts_err e = ts_arena_alloc(arena, sizeof(*r.p), &room);

    if (e != TS_OK)
        return e;
    r.p = room;
    r.p->extends = "";
    if ((e = sandbox_calls_make(arena, &r.p->calls)) != TS_OK ||
        (e = ts_arena_array(arena, r.p->calls.count, sizeof(r.p->rules[0]),
                            &room)) != TS_OK)
        return e;
    r.p->rules = room;
    e = ts_arena_array(arena, r.p->calls.count, sizeof(r.p->lines[0]), &room);
    if (e != TS_OK)
        return e;
    r.p->lines = room;
    if ((e = parse(&r, &root)) != TS_OK ||
        (e = read_one(&r, root, is_overlay, 0)) != TS_OK)
        return e;
    *ret = r.p;
    return TS_OK;
}
