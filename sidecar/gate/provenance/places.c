#include "sidecar/gate/provenance/places.h"

#include <sodium.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/wire/limits.h"
#include "sidecar/gate/provenance/leaves.h"
#include "sidecar/gate/provenance/shapes.h"

#define FIRST_CAP 32u

void places_init(struct places *p)
{
    *p = (struct places){0};
    randombytes_buf(p->key, sizeof(p->key));
}

void places_done(struct places *p)
{
    ts_mem_free(p->text);
    ts_mem_free(p->at);
    ts_mem_free(p->table);
    places_init(p);
}

size_t places_bytes(const struct places *p)
{
    return p->text_cap + ((size_t)p->cap + p->table_cap) * sizeof(uint32_t);
}

struct ts_str places_name(const struct places *p, uint32_t place)
{
    uint32_t end;

    if (place == 0 || place > p->count)
        return TS_STR_LIT("");
    end = place == p->count ? p->text_len : p->at[place];
    return (struct ts_str){.ptr = p->text + p->at[place - 1],
                           .len = end - p->at[place - 1]};
}

static uint32_t *slot(const struct places *p, uint32_t *table, uint32_t cap,
                      struct ts_str name)
{
    uint8_t out[crypto_shorthash_BYTES];
    uint32_t i;

    (void)crypto_shorthash(out, (const uint8_t *)name.ptr, name.len, p->key);
    memcpy(&i, out, sizeof(i));
    for (i &= cap - 1; table[i] != 0; i = (i + 1) & (cap - 1))
        if (ts_str_eq(places_name(p, table[i]), name))
            break;
    return &table[i];
}

/* A larger copy of n items; false without memory. */
static bool copy_larger(void **p, size_t n, size_t cap, size_t size)
{
    void *made = ts_mem_alloc(cap * size);

    if (made == NULL)
        return false;
    if (n > 0)
        memcpy(made, *p, n * size);
    ts_mem_free(*p);
    *p = made;
    return true;
}

static bool grow_table(struct places *p)
{
    uint32_t cap = p->table_cap == 0 ? FIRST_CAP : p->table_cap * 2;
    uint32_t *made;

    if ((p->count + 1) * 3 <= p->table_cap * 2)
        return true;
    made = ts_mem_alloc(cap * sizeof(*made));
    if (made == NULL)
        return false;
    for (uint32_t n = 1; n <= p->count; n++)
        *slot(p, made, cap, places_name(p, n)) = n;
    ts_mem_free(p->table);
    p->table = made;
    p->table_cap = cap;
    return true;
}

static bool grow(struct places *p, size_t len)
{
    uint32_t cap = p->text_cap == 0 ? 1024 : p->text_cap;
    void *block = p->text;

    while (cap - p->text_len < len)
        cap *= 2;
    if (cap != p->text_cap) {
        if (!copy_larger(&block, p->text_len, cap, 1))
            return false;
        p->text = block;
        p->text_cap = cap;
    }
    if (p->count == p->cap) {
        cap = p->cap == 0 ? FIRST_CAP : p->cap * 2;
        block = p->at;
        if (!copy_larger(&block, p->count, cap, sizeof(*p->at)))
            return false;
        p->at = block;
        p->cap = cap;
    }
    return grow_table(p);
}

uint32_t places_add(struct places *p, struct ts_str name)
{
    uint32_t *at;

    if (name.len == 0 || name.len > PLACE_MAX)
        return 0;
    if (p->table_cap > 0 && *(at = slot(p, p->table, p->table_cap, name)) != 0)
        return *at;
    if (p->count == PLACES_MAX || p->text_len + name.len > PLACES_BYTES_MAX ||
        !grow(p, name.len))
        return 0;
    memcpy(p->text + p->text_len, name.ptr, name.len);
    p->at[p->count++] = p->text_len;
    p->text_len += (uint32_t)name.len;
    *slot(p, p->table, p->table_cap, name) = p->count;
    return p->count;
}

static bool is_link(void *ctx, enum shape s, struct ts_str text)
{
    bool *found = ctx;

    (void)text;
    /* "app.kubernetes.io/name" is the name of a field */
    *found = shape_is_link(s) && s != SHAPE_HOST;
    return !*found;
}

bool place_key_is_data(struct ts_str key)
{
    bool found = memchr(key.ptr, '@', key.len) != NULL;

    if (!found)
        (void)shapes_in(key, is_link, &found);
    return found;
}

size_t place_of(struct ts_str tool, struct ts_str pointer, char *out)
{
    char pattern[LEAVES_POINTER_MAX];
    size_t n = leaf_pattern_of(pointer, pattern), at = 0, len = tool.len;

    if (tool.len > TS_TOOL_NAME_MAX)
        len = tool.len = TS_TOOL_NAME_MAX;
    memcpy(out, tool.ptr, tool.len);
    out[len++] = ':';
    while (at < n) {
        size_t end = at + 1;
        struct ts_str part;

        while (end < n && pattern[end] != '/')
            end++;
        part = (struct ts_str){.ptr = pattern + at + 1, .len = end - at - 1};
        out[len++] = '/';
        if (part.len > 0 && place_key_is_data(part)) {
            out[len++] = '*';
        } else {
            memcpy(out + len, part.ptr, part.len);
            len += part.len;
        }
        at = end;
    }
    return len;
}
