/* The cursor: one value at a time. Whole values are mp_scan.c's. */
#include "proto/wire/mp_read.h"

#include <math.h>
#include <string.h>

#include "proto/wire/mp_priv.h"

void mp_reader_init(struct mp_reader *r, const void *buf, size_t len)
{
    static const uint8_t none[1] = {0};
    const uint8_t *p = buf != NULL ? buf : none;

    *r = (struct mp_reader){.at = p, .end = p + (buf != NULL ? len : 0)};
    if (len > UINT32_MAX) /* offsets are 32 bits wide below */
        mp_fail(r, TS_E_LIMIT, "input over 4 GiB");
}

void mp_fail(struct mp_reader *r, ts_err e, const char *what)
{
    if (r->error != TS_OK)
        return;
    r->error = e;
    r->what = what;
    r->at = r->end; /* nothing further can be read */
}

static size_t left(const struct mp_reader *r)
{
    return (size_t)(r->end - r->at);
}

#define TIMES4(t)  t, t, t, t
#define TIMES16(t) TIMES4(t), TIMES4(t), TIMES4(t), TIMES4(t)
#define TIMES64(t) TIMES16(t), TIMES16(t), TIMES16(t), TIMES16(t)

/* clang-format off */
const uint8_t mp_first_byte[256] = {
    TIMES64(MP_UINT), TIMES64(MP_UINT),                     /* 00 to 7f */
    TIMES16(MP_MAP), TIMES16(MP_ARRAY),                     /* 80 to 9f */
    TIMES16(MP_STR), TIMES16(MP_STR),                       /* a0 to bf */
    MP_NIL, MP_NONE, MP_BOOL, MP_BOOL,                      /* c0 to c3 */
    MP_BIN, MP_BIN, MP_BIN, MP_NONE, MP_NONE, MP_NONE,      /* c4 to c9 */
    MP_FLOAT, MP_FLOAT, TIMES4(MP_UINT),                    /* ca to cf */
    TIMES4(MP_NINT), TIMES4(MP_NONE), MP_NONE,              /* d0 to d8 */
    MP_STR, MP_STR, MP_STR, MP_ARRAY, MP_ARRAY, MP_MAP, MP_MAP,
    TIMES16(MP_NINT), TIMES16(MP_NINT),                     /* e0 to ff */
};
/* clang-format on */

enum mp_type mp_peek(const struct mp_reader *r)
{
    return mp_type_here(r);
}

/* True if the next value has the type; else the error is set. */
static bool expect(struct mp_reader *r, enum mp_type type, const char *what)
{
    if (mp_type_here(r) == type)
        return true;
    if (r->at == r->end)
        mp_fail(r, TS_E_TRUNCATED, "value missing");
    else
        mp_fail(r, TS_E_FORMAT, what);
    return false;
}

/* Skips the tag and reads width big-endian bytes after it. */
static uint64_t read_be(struct mp_reader *r, size_t width)
{
    uint64_t v = 0;

    if (left(r) < 1 + width) {
        mp_fail(r, TS_E_TRUNCATED, "number cut off");
        return 0;
    }
    for (size_t i = 0; i < width; i++)
        v = v << 8 | r->at[1 + i];
    r->at += 1 + width;
    return v;
}

uint64_t mp_read_uint(struct mp_reader *r, uint64_t max)
{
    /* the smallest value that needs each width, by tag cc..cf */
    static const uint64_t least[4] = {0x80, 0x100, 0x10000, 0x100000000};
    uint64_t v;
    uint8_t tag;

    if (!expect(r, MP_UINT, "not an unsigned integer"))
        return 0;
    tag = *r->at;
    if (tag <= 0x7f) {
        r->at++;
        v = tag;
    } else {
        v = read_be(r, (size_t)1 << (tag - 0xcc));
        if (r->error == TS_OK && v < least[tag - 0xcc])
            mp_fail(r, TS_E_FORMAT, "integer not in shortest form");
    }
    if (r->error == TS_OK && v > max)
        mp_fail(r, TS_E_LIMIT, "integer too large");
    return r->error == TS_OK ? v : 0;
}

static int64_t read_negative(struct mp_reader *r)
{
    /* the largest value that needs each width, by tag d0..d3 */
    static const int64_t most[4] = {-33, INT8_MIN - 1, INT16_MIN - 1,
                                    (int64_t)INT32_MIN - 1};
    uint8_t tag = *r->at;
    uint64_t raw;
    unsigned shift;
    int64_t v;

    if (tag >= 0xe0) {
        r->at++;
        return (int64_t)tag - 0x100;
    }
    raw = read_be(r, (size_t)1 << (tag - 0xd0));
    if (r->error != TS_OK)
        return 0;
    shift = 64u - (8u << (tag - 0xd0));
    v = (int64_t)(raw << shift) >> shift; /* gcc and clang extend the sign */
    if (v > most[tag - 0xd0]) {
        mp_fail(r, TS_E_FORMAT, "integer not in shortest form");
        return 0;
    }
    return v;
}

int64_t mp_read_int(struct mp_reader *r)
{
    if (mp_peek(r) == MP_UINT)
        return (int64_t)mp_read_uint(r, INT64_MAX);
    if (!expect(r, MP_NINT, "not an integer"))
        return 0;
    return read_negative(r);
}

bool mp_read_bool(struct mp_reader *r)
{
    if (!expect(r, MP_BOOL, "not a boolean"))
        return false;
    return *r->at++ == 0xc3;
}

void mp_read_nil(struct mp_reader *r)
{
    if (expect(r, MP_NIL, "not nil"))
        r->at++;
}

double mp_read_float(struct mp_reader *r)
{
    uint64_t bits;
    double v;

    if (!expect(r, MP_FLOAT, "not a float"))
        return 0;
    if (*r->at == 0xca) {
        mp_fail(r, TS_E_FORMAT, "32-bit float");
        return 0;
    }
    bits = read_be(r, sizeof(bits));
    if (r->error != TS_OK)
        return 0;
    memcpy(&v, &bits, sizeof(v));
    if (!isfinite(v)) { /* NaN would have many encodings and equals nothing */
        mp_fail(r, TS_E_FORMAT, "float is not finite");
        return 0;
    }
    return v;
}

/* What a sized type looks like on the wire. */
struct shape {
    const char *what;
    uint8_t fix;       /* first tag of the fix form */
    uint8_t fix_count; /* lengths that have a fix form, 0 if there is none */
    uint8_t tag;       /* first of the 1, 2, 4 byte (or 2, 4 byte) tags */
    uint8_t width;     /* bytes of length after that first tag */
};

static const struct shape *shape_of(enum mp_type type)
{
    static const struct shape str = {"not a string", 0xa0, 32, 0xd9, 1};
    static const struct shape bin = {"not a byte string", 0, 0, 0xc4, 1};
    static const struct shape array = {"not an array", 0x90, 16, 0xdc, 2};
    static const struct shape map = {"not a map", 0x80, 16, 0xde, 2};

    if (type == MP_STR)
        return &str;
    if (type == MP_BIN)
        return &bin;
    return type == MP_ARRAY ? &array : &map;
}

uint32_t mp_head(struct mp_reader *r, enum mp_type type)
{
    const struct shape *s = shape_of(type);
    size_t width;
    uint64_t n;

    if (r->at != r->end && (uint8_t)(*r->at - s->fix) < s->fix_count)
        return (uint32_t)(*r->at++ - s->fix); /* nearly always */
    if (!expect(r, type, s->what))
        return 0;
    width = (size_t)s->width << (*r->at - s->tag);
    n = read_be(r, width);
    if (r->error != TS_OK)
        return 0;
    if ((width == 1 && n < s->fix_count) ||
        (width == 2 && (s->width == 1 ? n <= UINT8_MAX : n < s->fix_count)) ||
        (width == 4 && n <= UINT16_MAX)) {
        mp_fail(r, TS_E_FORMAT, "length not in shortest form");
        return 0;
    }
    return (uint32_t)n;
}

/* The bytes of a str or bin; NULL after an error. */
static const uint8_t *read_blob(struct mp_reader *r, enum mp_type type,
                                size_t max_len, size_t *ret_len)
{
    const uint8_t *p;
    uint32_t n = mp_head(r, type);

    if (r->error != TS_OK)
        return NULL;
    if (n > max_len) {
        mp_fail(r, TS_E_LIMIT, "string too long");
        return NULL;
    }
    if (n > left(r)) {
        mp_fail(r, TS_E_TRUNCATED, "string cut off");
        return NULL;
    }
    p = r->at;
    r->at += n;
    *ret_len = n;
    return p;
}

struct ts_str mp_read_str(struct mp_reader *r, size_t max_len)
{
    size_t len = 0;
    const char *p = (const char *)read_blob(r, MP_STR, max_len, &len);

    if (p != NULL && !ts_utf8_valid(p, len)) {
        mp_fail(r, TS_E_FORMAT, "string is not UTF-8");
        p = NULL;
    }
    return p != NULL ? (struct ts_str){.ptr = p, .len = len}
                     : (struct ts_str){.ptr = "", .len = 0};
}

struct ts_bytes mp_read_bin(struct mp_reader *r, size_t max_len)
{
    size_t len = 0;
    const uint8_t *p = read_blob(r, MP_BIN, max_len, &len);

    return (struct ts_bytes){.ptr = p != NULL ? p : r->end, .len = len};
}

void mp_read_bin_exact(struct mp_reader *r, uint8_t *out, size_t len)
{
    struct ts_bytes b = mp_read_bin(r, SIZE_MAX);

    if (r->error == TS_OK && b.len != len)
        mp_fail(r, TS_E_FORMAT, "byte string of the wrong length");
    if (r->error == TS_OK && len > 0)
        memcpy(out, b.ptr, len);
    else if (len > 0)
        memset(out, 0, len);
}

uint32_t mp_read_array(struct mp_reader *r, uint32_t max_count)
{
    uint32_t n = mp_head(r, MP_ARRAY);

    if (r->error == TS_OK && n > max_count)
        mp_fail(r, TS_E_LIMIT, "array too long");
    if (r->error == TS_OK && n > left(r)) /* an element is a byte or more */
        mp_fail(r, TS_E_TRUNCATED, "array longer than the input");
    return r->error == TS_OK ? n : 0;
}

uint32_t mp_read_map(struct mp_reader *r, uint32_t max_count)
{
    struct mp_reader ahead = *r;
    uint32_t n = mp_head(r, MP_MAP);

    if (r->error != TS_OK)
        return 0;
    if (n > max_count) {
        mp_fail(r, TS_E_LIMIT, "map has too many keys");
        return 0;
    }
    mp_scan_value(&ahead);
    if (ahead.error != TS_OK)
        mp_fail(r, ahead.error, ahead.what);
    return r->error == TS_OK ? n : 0;
}

void mp_read_tuple(struct mp_reader *r, uint32_t count)
{
    uint32_t n = mp_read_array(r, UINT32_MAX);

    if (r->error == TS_OK && n != count)
        mp_fail(r, TS_E_FORMAT, "array of the wrong length");
}

struct ts_bytes mp_read_raw(struct mp_reader *r, size_t max_len)
{
    const uint8_t *start = r->at;

    mp_scan_value(r);
    if (r->error == TS_OK && (size_t)(r->at - start) > max_len)
        mp_fail(r, TS_E_LIMIT, "value too large");
    if (r->error != TS_OK)
        return (struct ts_bytes){.ptr = r->end, .len = 0};
    return (struct ts_bytes){.ptr = start, .len = (size_t)(r->at - start)};
}

ts_err mp_done(struct mp_reader *r)
{
    if (r->error == TS_OK && r->at != r->end)
        mp_fail(r, TS_E_FORMAT, "bytes after the value");
    return r->error;
}
