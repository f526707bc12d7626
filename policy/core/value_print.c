/* Values as Cedar text, for records, explanations and tests. What is printed
 * in full parses back to the same value. */
#include "policy/core/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/core/civil.h"
#include "policy/core/name.h"

struct out {
    char *p;
    size_t cap; /* with room for the NUL */
    size_t len;
    bool full;
};

static void put(struct out *o, const char *s, size_t n)
{
    if (o->full || n >= o->cap - o->len) {
        o->full = true;
        return;
    }
    memcpy(o->p + o->len, s, n);
    o->len += n;
}

static void put_c(struct out *o, const char *s)
{
    put(o, s, strlen(s));
}

/* Piece by piece, so that no temporary has to hold a whole string. */
static void put_string(struct out *o, struct ts_str s)
{
    char piece[128];

    put_c(o, "\"");
    while (s.len > 0 && !o->full) {
        size_t n = s.len < 12 ? s.len : 12;

        while (n > 1 && n < s.len && ((unsigned char)s.ptr[n] & 0xC0) == 0x80)
            n--; /* never between the bytes of one code point */
        put(o, piece, ts_str_escape(piece, sizeof(piece), s.ptr, n));
        s.ptr += n;
        s.len -= n;
    }
    put_c(o, "\"");
}

static void put_uid(struct out *o, const struct cedar_uid *uid)
{
    put(o, uid->type.ptr, uid->type.len);
    put_c(o, "::");
    put_string(o, uid->id);
}

static void put_decimal(struct out *o, int64_t v)
{
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    char s[48];

    (void)snprintf(s, sizeof(s), "decimal(\"%s%" PRIu64 ".%04u\")",
                   v < 0 ? "-" : "", u / 10000, (unsigned)(u % 10000));
    put_c(o, s);
}

static void put_ip(struct out *o, const struct cedar_ip *ip)
{
    char s[16];

    put_c(o, "ip(\"");
    for (size_t i = 0; i < (ip->v6 ? 8u : 4u); i++) {
        if (ip->v6)
            (void)snprintf(s, sizeof(s), "%s%x", i > 0 ? ":" : "",
                           (unsigned)ip->addr[2 * i] << 8 |
                               ip->addr[2 * i + 1]);
        else
            (void)snprintf(s, sizeof(s), "%s%u", i > 0 ? "." : "",
                           (unsigned)ip->addr[i]);
        put_c(o, s);
    }
    if (ip->prefix != (ip->v6 ? 128 : 32)) {
        (void)snprintf(s, sizeof(s), "/%u", (unsigned)ip->prefix);
        put_c(o, s);
    }
    put_c(o, "\")");
}

static void put_datetime(struct out *o, int64_t ms)
{
    struct cedar_civil c;
    char s[96];

    if (cedar_civil_from_ms(ms, &c))
        (void)snprintf(
            s, sizeof(s), "datetime(\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\")",
            c.year, c.month, c.day, c.hour, c.minute, c.second, c.ms);
    else /* a year that datetime() cannot spell */
        (void)snprintf(
            s, sizeof(s),
            "datetime(\"1970-01-01\").offset(duration(\"%" PRId64 "ms\"))", ms);
    put_c(o, s);
}

static void put_number(struct out *o, const char *before, int64_t v,
                       const char *after)
{
    char s[48];

    (void)snprintf(s, sizeof(s), "%s%" PRId64 "%s", before, v, after);
    put_c(o, s);
}

static void put_value(struct out *o, const struct cedar_value *v);

static void put_key(struct out *o, struct ts_str key)
{
    bool plain = cedar_name_ok(key);

    for (size_t i = 0; plain && i < key.len; i++)
        plain = key.ptr[i] != ':';
    if (plain)
        put(o, key.ptr, key.len);
    else
        put_string(o, key);
}

static void put_members(struct out *o, const struct cedar_value *v)
{
    if (v->kind == CEDAR_SET) {
        put_c(o, "[");
        for (uint32_t i = 0; i < v->as.set->count && !o->full; i++) {
            if (i > 0)
                put_c(o, ", ");
            put_value(o, &v->as.set->items[i]);
        }
        put_c(o, "]");
        return;
    }
    put_c(o, "{");
    for (uint32_t i = 0; i < v->as.record->count && !o->full; i++) {
        if (i > 0)
            put_c(o, ", ");
        put_key(o, v->as.record->fields[i].key);
        put_c(o, ": ");
        put_value(o, &v->as.record->fields[i].value);
    }
    put_c(o, "}");
}

static void put_value(struct out *o, const struct cedar_value *v)
{
    switch (v->kind) {
    case CEDAR_NONE:
        put_c(o, "nothing");
        break;
    case CEDAR_BOOL:
        put_c(o, v->as.boolean ? "true" : "false");
        break;
    case CEDAR_LONG:
        put_number(o, "", v->as.integer, "");
        break;
    case CEDAR_STRING:
        put_string(o, v->as.string);
        break;
    case CEDAR_ENTITY:
        put_uid(o, v->as.uid);
        break;
    case CEDAR_SET:
    case CEDAR_RECORD:
        put_members(o, v);
        break;
    case CEDAR_DECIMAL:
        put_decimal(o, v->as.integer);
        break;
    case CEDAR_IPADDR:
        put_ip(o, &v->as.ip);
        break;
    case CEDAR_DATETIME:
        put_datetime(o, v->as.integer);
        break;
    case CEDAR_DURATION:
        put_number(o, "duration(\"", v->as.integer, "ms\")");
        break;
    }
}

size_t cedar_value_print(const struct cedar_value *v, char *out, size_t cap)
{
    struct out o = {.p = out, .cap = cap};

    if (cap == 0)
        return 0;
    put_value(&o, v);
    if (o.full && cap > 3) { /* marked, so that nobody takes it for whole */
        size_t at = o.len < cap - 4 ? o.len : cap - 4;

        while (at > 0 && ((unsigned char)out[at] & 0xC0) == 0x80)
            at--;
        memcpy(out + at, "...", 3);
        o.len = at + 3;
    }
    out[o.len] = '\0';
    return o.len;
}
