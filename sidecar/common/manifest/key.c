/*
 * The vocabulary of a manifest: a table says which key of which map has which
 * reader. An unknown key is an error, since a misspelt limit would otherwise be
 * no limit.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sidecar/common/manifest/manifest_priv.h"

#define WORD_MAX    32 /* longer ones are not compared */
#define KEYS_MAX    32 /* of one map */
#define NEAR_ENOUGH 2  /* edits; and never half of the word */

ts_err manifest_fail(struct manifest_reader *r, uint32_t line, const char *fmt,
                     ...)
{
    char what[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap);
    va_end(ap);
    r->line = line;
    (void)snprintf(r->text, r->cap, "%.*s:%u: %s", (int)r->m->file.len,
                   r->m->file.ptr, line, what);
    return TS_E_FORMAT;
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;

    return m < c ? m : c;
}

/* How many bytes to insert, remove or replace. */
static unsigned distance(struct ts_str a, struct ts_str b)
{
    unsigned row[WORD_MAX + 1];

    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];

        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned up = row[j];

            row[j] = least(up + 1, row[j - 1] + 1,
                           diagonal + (a.ptr[i - 1] != b.ptr[j - 1]));
            diagonal = up;
        }
    }
    return row[b.len];
}

void manifest_suggest(struct ts_str found, const char *const *names,
                      size_t count, char *out, size_t cap)
{
    unsigned best = NEAR_ENOUGH + 1;

    out[0] = '\0';
    if (found.len > WORD_MAX)
        return;
    for (size_t i = 0; i < count; i++) {
        struct ts_str name = ts_str_of(names[i]);
        unsigned d;

        if (name.len > WORD_MAX)
            continue;
        d = distance(found, name);
        if (d >= best || 2 * d >= name.len)
            continue;
        best = d;
        (void)snprintf(out, cap, " (did you mean \"%s\"?)", names[i]);
    }
    for (size_t i = 0; i < count && out[0] == '\0'; i++) {
        /* "memory" for "memory_mb" */
        if (strlen(names[i]) > found.len && names[i][found.len] == '_' &&
            memcmp(names[i], found.ptr, found.len) == 0)
            (void)snprintf(out, cap, " (did you mean \"%s\"?)", names[i]);
    }
}

static ts_err unknown_key(struct manifest_reader *r, const struct yaml_node *n,
                          const struct manifest_map *map)
{
    const char *names[KEYS_MAX];
    size_t count = map->count < KEYS_MAX ? map->count : KEYS_MAX;
    char name[64], hint[64];

    for (size_t i = 0; i < count; i++)
        names[i] = map->keys[i].name;
    (void)ts_str_escape(name, sizeof(name), n->key.ptr, n->key.len);
    manifest_suggest(n->key, names, count, hint, sizeof(hint));
    return manifest_fail(
        r, n->line,
        "unknown key \"%s\" in %s%s; tipstaff-tool(5) lists the keys", name,
        map->name, hint);
}

ts_err manifest_read_map(struct manifest_reader *r, const struct yaml_node *n,
                         const struct manifest_map *map)
{
    if (n->kind != YAML_KIND_MAP)
        return manifest_fail(r, n->line, "%s: expected \"key: value\" lines",
                             map->name);
    for (const struct yaml_node *v = n->first; v != NULL; v = v->next) {
        size_t i = 0;
        ts_err e;

        while (i < map->count && !ts_str_eq_c(v->key, map->keys[i].name))
            i++;
        if (i == map->count)
            return unknown_key(r, v, map);
        if ((e = map->keys[i].read(r, v)) != TS_OK)
            return e;
    }
    return TS_OK;
}

ts_err manifest_read_str(struct manifest_reader *r, const struct yaml_node *n,
                         size_t max_len, struct ts_str *ret)
{
    struct ts_str s;

    if (!yaml_node_str(n, &s) || s.len == 0)
        return manifest_fail(r, n->line, "expected a text; write it in quotes");
    if (s.len > max_len)
        return manifest_fail(r, n->line, "longer than %zu bytes", max_len);
    *ret = s;
    return TS_OK;
}

ts_err manifest_read_strings(struct manifest_reader *r,
                             const struct yaml_node *n, uint32_t max,
                             size_t max_len, struct ts_str const **ret,
                             uint32_t *ret_count)
{
    const struct yaml_node *child;
    struct ts_str *list;
    uint32_t i = 0;
    void *p;
    ts_err e;

    if (n->kind != YAML_KIND_LIST)
        return manifest_fail(r, n->line,
                             "expected a list, e.g. [\"a\", \"b\"]");
    if (n->count > max)
        return manifest_fail(r, n->line, "more than %u entries", max);
    e = ts_arena_array(r->arena, (size_t)n->count + 1, sizeof(*list), &p);
    if (e != TS_OK)
        return e;
    list = p;
    for (child = n->first; child != NULL; child = child->next) {
        if ((e = manifest_read_str(r, child, max_len, &list[i++])) != TS_OK)
            return e;
    }
    *ret = list;
    *ret_count = n->count;
    return TS_OK;
}

ts_err manifest_read_bool(struct manifest_reader *r, const struct yaml_node *n,
                          bool *ret)
{
    if (!yaml_node_bool(n, ret))
        return manifest_fail(r, n->line, "expected true or false");
    return TS_OK;
}

ts_err manifest_read_number(struct manifest_reader *r,
                            const struct yaml_node *n, uint64_t min,
                            uint64_t max, uint64_t *ret)
{
    int64_t v;

    if (!yaml_node_int(n, &v))
        return manifest_fail(r, n->line, "expected a whole number");
    if (v < 0 || (uint64_t)v < min || (uint64_t)v > max)
        return manifest_fail(r, n->line, "must be from %llu to %llu",
                             (unsigned long long)min, (unsigned long long)max);
    *ret = (uint64_t)v;
    return TS_OK;
}

/* "a, b or c" */
static void list_words(const char *const *words, size_t count, char *out,
                       size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < count && len < cap; i++) {
        const char *before = i == 0 ? "" : (i + 1 == count ? " or " : ", ");
        int n = snprintf(out + len, cap - len, "%s%s", before, words[i]);

        len += n > 0 ? (size_t)n : cap;
    }
}

ts_err manifest_read_word(struct manifest_reader *r, const struct yaml_node *n,
                          const char *const *words, size_t count, size_t *ret)
{
    struct ts_str s = {0};
    char all[160], hint[64], name[64];
    ts_err e = manifest_read_str(r, n, 64, &s);

    if (e != TS_OK)
        return e;
    for (size_t i = 0; i < count; i++) {
        if (ts_str_eq_c(s, words[i])) {
            *ret = i;
            return TS_OK;
        }
    }
    list_words(words, count, all, sizeof(all));
    manifest_suggest(s, words, count, hint, sizeof(hint));
    (void)ts_str_escape(name, sizeof(name), n->key.ptr, n->key.len);
    return manifest_fail(r, n->line, "%s must be %s%s", name, all, hint);
}
