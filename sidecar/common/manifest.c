/* All manifests of one generation, read from the bundle in one go. */
#include "sidecar/common/manifest.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "sidecar/common/bundle.h"
#include "sidecar/common/manifest_priv.h"

/* Declarations with their tree stay below a few times the text's size. */
#define MANIFESTS_BUDGET ((size_t)128 << 20)

const struct manifest_arg *manifest_arg_find(const struct manifest *m,
                                             struct ts_str name)
{
    for (uint32_t i = 0; i < m->arg_count; i++) {
        if (ts_str_eq(m->args[i].name, name))
            return &m->args[i];
    }
    return NULL;
}

static ts_err load_one(const struct bundle_file *f, struct ts_arena *arena,
                       struct manifest *m, char *text, size_t cap)
{
    struct manifest_reader r = {
        .arena = arena, .m = m, .text = text, .cap = cap};
    struct yaml_node *root = NULL;
    struct yaml_fail fail;
    const char *copy;
    ts_err e;

    e = ts_arena_strndup(arena, f->name.ptr, f->name.len, &copy);
    if (e != TS_OK)
        return e;
    m->file = (struct ts_str){copy, f->name.len};
    if (f->content.len > MANIFEST_BYTES_MAX)
        return manifest_fail(&r, 1, "larger than %d bytes", MANIFEST_BYTES_MAX);
    e = yaml_tree_parse(f->content, arena, &root, &fail);
    if (e == TS_E_NOMEM)
        return e;
    if (e != TS_OK)
        return manifest_fail(&r, fail.line, "%s", fail.text);
    r.root = root;
    if ((e = manifest_read(&r)) != TS_OK || (e = manifest_check(&r)) != TS_OK)
        return e;
    if (crypto_generichash(m->digest, sizeof(m->digest),
                           (const unsigned char *)f->content.ptr,
                           f->content.len, NULL, 0) != 0)
        return TS_E_SYSTEM;
    return TS_OK;
}

static bool is_manifest(struct ts_str name)
{
    const struct ts_str suffix = TS_STR_LIT(".yaml");

    return ts_str_starts(name, TS_STR_LIT("tools/")) && name.len > suffix.len &&
           memcmp(name.ptr + name.len - suffix.len, suffix.ptr, suffix.len) ==
               0;
}

static int by_tool(const void *a, const void *b)
{
    const struct manifest *x = a, *y = b;

    return ts_str_cmp(x->tool, y->tool);
}

static ts_err check_unique(const struct manifests *m, char *text, size_t cap)
{
    for (uint32_t i = 1; i < m->count; i++) {
        const struct manifest *a = &m->list[i - 1], *b = &m->list[i];

        if (!ts_str_eq(a->tool, b->tool))
            continue;
        (void)snprintf(text, cap,
                       "%.*s:1: tool \"%.*s\" is declared in %.*s as well; "
                       "give one of them another name",
                       (int)b->file.len, b->file.ptr, (int)b->tool.len,
                       b->tool.ptr, (int)a->file.len, a->file.ptr);
        return TS_E_EXISTS;
    }
    return TS_OK;
}

static ts_err load_all(const struct bundle *b, struct manifests *m, char *text,
                       size_t cap)
{
    size_t count = 0;
    void *p;
    ts_err e;

    for (size_t i = 0; i < b->count; i++)
        count += is_manifest(b->files[i].name);
    if (count > TS_TOOLS_MAX) {
        (void)snprintf(text, cap, "tools:1: more than %d tools", TS_TOOLS_MAX);
        return TS_E_LIMIT;
    }
    e = ts_arena_array(&m->arena, count + 1, sizeof(*m->list), &p);
    if (e != TS_OK)
        return e;
    m->list = p;
    for (size_t i = 0; i < b->count; i++) {
        if (!is_manifest(b->files[i].name))
            continue;
        e = load_one(&b->files[i], &m->arena, &m->list[m->count], text, cap);
        if (e != TS_OK)
            return e;
        m->count++;
    }
    qsort(m->list, m->count, sizeof(*m->list), by_tool);
    return check_unique(m, text, cap);
}

ts_err manifests_load(const struct bundle *b, uint64_t generation,
                      struct manifests **ret, char *reterr_text,
                      size_t reterr_cap)
{
    struct manifests *m;
    ts_err e;

    if (reterr_cap > 0)
        reterr_text[0] = '\0';
    m = ts_mem_alloc(sizeof(*m));
    if (m == NULL) {
        (void)snprintf(reterr_text, reterr_cap, "tools:1: out of memory");
        return TS_E_NOMEM;
    }
    ts_arena_init(&m->arena, MANIFESTS_BUDGET);
    m->generation = generation;
    e = load_all(b, m, reterr_text, reterr_cap);
    if (e != TS_OK) {
        if (reterr_cap > 0 && reterr_text[0] == '\0')
            (void)snprintf(reterr_text, reterr_cap, "tools:1: %s",
                           ts_err_text(e));
        manifests_free(m);
        return e;
    }
    *ret = m;
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
