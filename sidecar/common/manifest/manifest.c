/* All manifests of one generation, read from the bundle in one go. */
#include "sidecar/common/manifest/manifest.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_num.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/manifest/manifest_priv.h"

/* Declarations with their tree stay below a few times the text's size. */
#define MANIFESTS_BUDGET ((size_t)128 << 20)
#define REFUSAL_MAX      1024 /* bytes of the text of one */

/* While the manifests of a bundle are read. */
struct loading {
    const struct bundle *bundle;
    const struct manifest_facts *facts;
    struct manifests *m;
    struct refusal *refused; /* beside m->refused */
};

struct refusal {
    struct manifest_refused is;
    bool tool_is_certain; /* read as YAML, not guessed from a broken file */
};

struct manifest_facts manifest_facts_of(const struct control_start *s)
{
    return (struct manifest_facts){.has_broker = s->has_broker,
                                   .has_token_key = s->has_token_key,
                                   .most = s->sandbox.most,
                                   .launchers = s->launchers};
}

const struct manifest_arg *manifest_arg_find(const struct manifest *m,
                                             struct ts_str name)
{
    for (uint32_t i = 0; i < m->arg_count; i++) {
        if (ts_str_eq(m->args[i].name, name))
            return &m->args[i];
    }
    return NULL;
}

static const char *const line_keys[MANIFEST_KEYS] = {
    "exec",        "digest",     "cwd",     "scratch", "resource", "read_paths",
    "write_paths", "exec_paths", "sandbox", "require", "secrets",  "seccomp"};

uint32_t manifest_key_line(const struct manifest *m, const char *key)
{
    for (size_t i = 0; i < MANIFEST_KEYS; i++)
        if (strcmp(key, line_keys[i]) == 0)
            return m->key_lines[i];
    return m->tool_line;
}

static bool is_manifest(struct ts_str name)
{
    const struct ts_str suffix = TS_STR_LIT(".yaml");

    return ts_str_starts(name, TS_STR_LIT("tools/")) && name.len > suffix.len &&
           memcmp(name.ptr + name.len - suffix.len, suffix.ptr, suffix.len) ==
               0;
}

static ts_err copy_str(struct ts_arena *arena, struct ts_str s,
                       struct ts_str *ret)
{
    const char *copy;
    ts_err e = ts_arena_strndup(arena, s.ptr, s.len, &copy);

    if (e == TS_OK)
        *ret = (struct ts_str){copy, s.len};
    return e;
}

/* The same; what is no UTF-8, or was cut inside a character, is escaped: the
 * text goes into records. */
static ts_err copy_shown(struct ts_arena *arena, struct ts_str s,
                         struct ts_str *ret)
{
    char shown[REFUSAL_MAX];

    if (ts_utf8_valid(s.ptr, s.len))
        return copy_str(arena, s, ret);
    (void)ts_str_escape(shown, sizeof(shown), s.ptr, s.len);
    return copy_str(arena, ts_str_of(shown), ret);
}

/* Takes note of one that is not served. */
static ts_err refuse(struct loading *l, const struct manifest *m,
                     bool tool_is_certain, uint32_t line, const char *text)
{
    struct refusal *r = &l->refused[l->m->refused_count];
    ts_err e = copy_shown(&l->m->arena, ts_str_of(text), &r->is.text);

    if (e == TS_OK)
        e = copy_shown(&l->m->arena, m->file, &r->is.file);
    if (e == TS_OK)
        e = copy_str(&l->m->arena, m->tool, &r->is.tool);
    if (e != TS_OK)
        return e;
    r->is.line = line;
    r->tool_is_certain = tool_is_certain;
    l->m->refused_count++;
    return TS_OK;
}

/* What the file would have been called, from "tool: NAME" at the beginning of a
 * line, where it cannot be read as YAML. Good enough for a message. */
static struct ts_str guess_tool(struct ts_str text)
{
    const struct ts_str key = TS_STR_LIT("tool: ");

    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        struct ts_str line = text;

        if (end != NULL)
            line.len = (size_t)(end - text.ptr);
        text.ptr += line.len + (end != NULL);
        text.len -= line.len + (end != NULL);
        if (!ts_str_starts(line, key))
            continue;
        line.ptr += key.len;
        line.len -= key.len;
        while (line.len > 0 && (line.ptr[line.len - 1] == ' ' ||
                                line.ptr[line.len - 1] == '\r'))
            line.len--;
        return line;
    }
    return TS_STR_LIT("");
}

static ts_err read_one(struct manifest_reader *r, const struct bundle_file *f,
                       struct yaml_node **ret_root)
{
    struct yaml_fail fail;
    ts_err e;

    if (f->content.len > MANIFEST_BYTES_MAX)
        return manifest_fail(r, 1, "larger than %d bytes", MANIFEST_BYTES_MAX);
    e = yaml_tree_parse(f->content, r->arena, ret_root, &fail);
    if (e == TS_E_NOMEM)
        return e;
    if (e != TS_OK)
        return manifest_fail(r, fail.line > 0 ? fail.line : 1, "%s", fail.text);
    r->root = *ret_root;
    if ((e = manifest_read(r)) != TS_OK || (e = manifest_check(r)) != TS_OK)
        return e;
    r->m->tool_line = manifest_line(r, "tool");
    for (size_t i = 0; i < MANIFEST_KEYS; i++)
        r->m->key_lines[i] = manifest_line(r, line_keys[i]);
    if (crypto_generichash(r->m->digest, sizeof(r->m->digest),
                           (const unsigned char *)f->content.ptr,
                           f->content.len, NULL, 0) != 0)
        return TS_E_SYSTEM;
    return TS_OK;
}

/* TS_OK also when it was refused; then m is not to be kept. */
static ts_err load_one(struct loading *l, const struct bundle_file *f,
                       struct manifest *m, bool *ret_kept)
{
    char text[REFUSAL_MAX] = "";
    struct manifest_reader r = {.arena = &l->m->arena,
                                .m = m,
                                .facts = l->facts,
                                .bundle = l->bundle,
                                .text = text,
                                .cap = sizeof(text)};
    struct yaml_node *root = NULL;
    const struct yaml_node *tool;
    ts_err e = copy_str(&l->m->arena, f->name, &m->file);

    if (e != TS_OK)
        return e;
    e = read_one(&r, f, &root);
    *ret_kept = e == TS_OK;
    if (e != TS_E_FORMAT)
        return e;
    tool = root != NULL ? yaml_node_find(root, "tool") : NULL;
    m->tool = TS_STR_LIT("");
    if (tool != NULL)
        (void)yaml_node_str(tool, &m->tool);
    else if (root == NULL)
        m->tool = guess_tool(f->content);
    if (!manifest_tool_is_name(m->tool))
        m->tool = TS_STR_LIT("");
    return refuse(l, m, tool != NULL, r.line, text);
}

static int by_tool(const void *a, const void *b)
{
    const struct manifest *x = a, *y = b;
    int c = ts_str_cmp(x->tool, y->tool);

    return c != 0 ? c : ts_str_cmp(x->file, y->file);
}

static int by_file(const void *a, const void *b)
{
    const struct refusal *x = a, *y = b;

    return ts_str_cmp(x->is.file, y->is.file);
}

/* The file of another manifest of the same tool, or "". */
static struct ts_str other_of(const struct loading *l, uint32_t i,
                              uint32_t refused)
{
    const struct manifest *list = l->m->list;

    if (i > 0 && ts_str_eq(list[i - 1].tool, list[i].tool))
        return list[i - 1].file;
    if (i + 1 < l->m->count && ts_str_eq(list[i + 1].tool, list[i].tool))
        return list[i + 1].file;
    for (uint32_t k = 0; k < refused; k++)
        if (l->refused[k].tool_is_certain &&
            ts_str_eq(l->refused[k].is.tool, list[i].tool))
            return l->refused[k].is.file;
    return TS_STR_LIT("");
}

/* Nobody can tell which of two was meant, so neither is served. */
static ts_err refuse_twins(struct loading *l)
{
    uint32_t refused = l->m->refused_count, kept = 0;
    bool *twin;
    void *p;
    ts_err e = ts_arena_array(&l->m->arena, (size_t)l->m->count + 1,
                              sizeof(*twin), &p);

    if (e != TS_OK)
        return e;
    twin = p;
    for (uint32_t i = 0; i < l->m->count; i++) {
        const struct manifest *m = &l->m->list[i];
        struct ts_str other = other_of(l, i, refused);
        char text[REFUSAL_MAX];

        twin[i] = other.len > 0;
        if (!twin[i])
            continue;
        (void)snprintf(text, sizeof(text),
                       "%.*s:%u: tool \"%.*s\" is declared in %.*s as well; "
                       "give one of them another name",
                       (int)m->file.len, m->file.ptr, m->tool_line,
                       (int)m->tool.len, m->tool.ptr, (int)other.len,
                       other.ptr);
        if ((e = refuse(l, m, true, m->tool_line, text)) != TS_OK)
            return e;
    }
    for (uint32_t i = 0; i < l->m->count; i++)
        if (!twin[i])
            l->m->list[kept++] = l->m->list[i];
    l->m->count = kept;
    return TS_OK;
}

static ts_err publish_refused(struct loading *l)
{
    uint32_t n = l->m->refused_count;
    struct manifest_refused *list;
    void *p;
    ts_err e = ts_arena_array(&l->m->arena, (size_t)n + 1, sizeof(*list), &p);

    if (e != TS_OK)
        return e;
    list = p;
    qsort(l->refused, n, sizeof(*l->refused), by_file);
    for (uint32_t i = 0; i < n; i++)
        list[i] = l->refused[i].is;
    l->m->refused = list;
    return TS_OK;
}

static ts_err load_all(struct loading *l, char *text, size_t cap)
{
    const struct bundle *b = l->bundle;
    struct manifests *m = l->m;
    size_t count = 0;
    void *list, *refused;
    ts_err e;

    for (size_t i = 0; i < b->count; i++)
        count += is_manifest(b->files[i].name);
    if (count > TS_TOOLS_MAX) {
        (void)snprintf(text, cap,
                       "tools:1: more than %d tools; run another "
                       "sidecar for some of them",
                       TS_TOOLS_MAX);
        return TS_E_LIMIT;
    }
    if ((e = ts_arena_array(&m->arena, count + 1, sizeof(*m->list), &list)) !=
            TS_OK ||
        (e = ts_arena_array(&m->arena, count + 1, sizeof(*l->refused),
                            &refused)) != TS_OK)
        return e;
    m->list = list;
    l->refused = refused;
    for (size_t i = 0; i < b->count; i++) {
        bool kept = false;

        if (!is_manifest(b->files[i].name))
            continue;
        m->list[m->count] = (struct manifest){0};
        e = load_one(l, &b->files[i], &m->list[m->count], &kept);
        if (e != TS_OK)
            return e;
        m->count += kept;
    }
    qsort(m->list, m->count, sizeof(*m->list), by_tool);
    if ((e = refuse_twins(l)) != TS_OK)
        return e;
    return publish_refused(l);
}

ts_err manifests_load(const struct bundle *b,
                      const struct manifest_facts *facts, uint64_t generation,
                      struct manifests **ret, char *reterr_text,
                      size_t reterr_cap)
{
    struct loading l = {.bundle = b, .facts = facts};
    ts_err e;

    if (reterr_cap > 0)
        reterr_text[0] = '\0';
    l.m = ts_mem_alloc(sizeof(*l.m));
    if (l.m == NULL) {
        (void)snprintf(reterr_text, reterr_cap, "tools:1: out of memory");
        return TS_E_NOMEM;
    }
    ts_arena_init(&l.m->arena, MANIFESTS_BUDGET);
    l.m->generation = generation;
    e = load_all(&l, reterr_text, reterr_cap);
    if (e != TS_OK) {
        if (reterr_cap > 0 && reterr_text[0] == '\0')
            (void)snprintf(reterr_text, reterr_cap, "tools:1: %s",
                           ts_err_text(e));
        manifests_free(l.m);
        return e;
    }
    *ret = l.m;
    return TS_OK;
}

void manifests_free(struct manifests *m)
{
    if (m == NULL)
        return;
    ts_arena_done(&m->arena);
    ts_mem_free(m);
}

const struct manifest *manifests_find(const struct manifests *m,
                                      struct ts_str tool)
{
    uint32_t lo = 0, hi = m->count;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = ts_str_cmp(m->list[mid].tool, tool);

        if (c == 0)
            return &m->list[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

bool manifest_is_unserved(const struct manifests *m,
                          const struct manifest *tool)
{
    for (uint32_t i = 0; i < m->unserved_count; i++)
        if (ts_str_eq(m->unserved[i].tool, tool->tool))
            return true;
    return false;
}

/* The number behind "FILE:"; 0: it is not there. */
static uint32_t line_of(struct ts_str text, struct ts_str file)
{
    uint32_t line = 0;
    size_t at = file.len + 1;

    if (text.len <= at || !ts_str_starts(text, file) || text.ptr[at - 1] != ':')
        return 0;
    for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++)
        if (ts_ckd_mul(&line, line, 10u) ||
            ts_ckd_add(&line, line, (uint32_t)(text.ptr[at] - '0')))
            return 0;
    return line;
}

ts_err manifest_unserve(struct manifests *m, const struct manifest *tool,
                        struct ts_str text)
{
    struct manifest_refused r = {.file = tool->file,
                                 .tool = tool->tool,
                                 .line = line_of(text, tool->file)};
    const char *copy = NULL;
    void *list;
    ts_err e = TS_OK;

    if (r.line == 0)
        return TS_E_INVALID;
    if (manifest_is_unserved(m, tool))
        return TS_OK;
    if (m->unserved == NULL) {
        e = ts_arena_array(&m->arena, m->count, sizeof(r), &list);
        if (e == TS_OK)
            m->unserved = list;
    }
    if (e == TS_OK)
        e = ts_arena_strndup(&m->arena, text.ptr, text.len, &copy);
    if (e != TS_OK)
        return e;
    r.text = (struct ts_str){copy, text.len};
    m->unserved[m->unserved_count++] = r;
    return TS_OK;
}

const struct manifest_refused *manifests_refused(const struct manifests *m,
                                                 struct ts_str tool)
{
    for (uint32_t i = 0; i < m->refused_count && tool.len > 0; i++)
        if (ts_str_eq(m->refused[i].tool, tool))
            return &m->refused[i];
    return NULL;
}
