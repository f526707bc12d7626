#include "proto/msg/body.h"

#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/msg/client.h"
#include "proto/wire/frame.h"
#include "proto/wire/limits.h"

/* Called after every read: whoever failed first gives the name. */
static void name_failure(struct body_in *in, const char *field)
{
    if (in->r.error != TS_OK && in->field == NULL)
        in->field = field;
}

void body_in_fail(struct body_in *in, const char *field, ts_err e)
{
    mp_fail(&in->r, e, field);
    name_failure(in, field);
}

void body_in_init(struct body_in *in, const void *b, size_t n, uint32_t arity,
                  uint64_t version)
{
    *in = (struct body_in){.field = NULL};
    mp_reader_init(&in->r, b, n);
    mp_read_tuple(&in->r, arity);
    name_failure(in, "body");
    if (body_in_uint(in, "version", UINT64_MAX) != version)
        body_in_fail(in, "version", TS_E_UNSUPPORTED);
}

void body_in_part(struct body_in *in, struct ts_bytes part)
{
    *in = (struct body_in){.field = NULL};
    mp_reader_init(&in->r, part.ptr, part.len);
}

uint64_t body_in_uint(struct body_in *in, const char *field, uint64_t max)
{
    uint64_t v = mp_read_uint(&in->r, max);

    name_failure(in, field);
    return v;
}

uint32_t body_in_u32(struct body_in *in, const char *field, uint32_t max)
{
    return (uint32_t)body_in_uint(in, field, max);
}

bool body_in_bool(struct body_in *in, const char *field)
{
    bool v = mp_read_bool(&in->r);

    name_failure(in, field);
    return v;
}

struct ts_str body_in_str(struct body_in *in, const char *field, size_t max)
{
    struct ts_str s = mp_read_str(&in->r, max);

    name_failure(in, field);
    return s;
}

struct ts_bytes body_in_bin(struct body_in *in, const char *field, size_t max)
{
    struct ts_bytes b = mp_read_bin(&in->r, max);

    name_failure(in, field);
    return b;
}

void body_in_bin_exact(struct body_in *in, const char *field, uint8_t *out,
                       size_t len)
{
    mp_read_bin_exact(&in->r, out, len);
    name_failure(in, field);
}

uint32_t body_in_array(struct body_in *in, const char *field, uint32_t max)
{
    uint32_t n = mp_read_array(&in->r, max);

    name_failure(in, field);
    return n;
}

void body_in_tuple(struct body_in *in, const char *field, uint32_t count)
{
    mp_read_tuple(&in->r, count);
    name_failure(in, field);
}

/* Entries of a map from its head alone; the value itself is checked by
 * mp_read_raw(), and reading it twice would double the cost of a call. */
static size_t map_entries(struct ts_bytes map)
{
    if (map.len > 0 && map.ptr[0] >= 0x80 && map.ptr[0] <= 0x8f)
        return (size_t)(map.ptr[0] & 0x0f);
    if (map.len > 2 && map.ptr[0] == 0xde)
        return (size_t)map.ptr[1] << 8 | map.ptr[2];
    return SIZE_MAX; /* map32, or no map */
}

struct ts_bytes body_in_args(struct body_in *in, const char *field)
{
    bool is_map = mp_peek(&in->r) == MP_MAP;
    struct ts_bytes b = mp_read_raw(&in->r, TS_ARGS_MAX);

    if (in->r.error == TS_OK && !is_map)
        mp_fail(&in->r, TS_E_FORMAT, "not a map");
    if (in->r.error == TS_OK && map_entries(b) > TS_ARGS_KEYS_MAX)
        mp_fail(&in->r, TS_E_LIMIT, "too many arguments");
    name_failure(in, field);
    return b;
}

uint32_t body_in_labels(struct body_in *in, const char *field,
                        struct ts_str *out)
{
    uint32_t n = body_in_array(in, field, TS_PROVENANCE_MAX);

    for (uint32_t i = 0; i < n; i++)
        out[i] = body_in_str(in, field, TS_PROVENANCE_LEN);
    return n;
}

ts_err body_in_done(struct body_in *in, const char **reterr_what)
{
    ts_err e = mp_done(&in->r);

    name_failure(in, "body");
    if (e != TS_OK)
        *reterr_what = in->field;
    return e;
}

void body_need(struct body_flaw *flaw, bool ok, const char *field, ts_err e)
{
    if (!ok && flaw->error == TS_OK)
        *flaw = (struct body_flaw){.error = e, .field = field};
}

ts_err body_told(struct body_flaw flaw, const char **reterr_what)
{
    if (flaw.error != TS_OK)
        *reterr_what = flaw.field;
    return flaw.error;
}

bool body_code_ok(struct ts_str code)
{
    if (code.len == 0 || code.len > TS_CODE_MAX)
        return false;
    for (size_t i = 0; i < code.len; i++) {
        char c = code.ptr[i];

        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_')
            return false;
    }
    return true;
}

bool body_ref_ok(struct ts_str ref)
{
    static const char head[] = "call-";
    const size_t n = sizeof(head) - 1;

    if (ref.len == 0)
        return true;
    if (ref.len <= n || ref.len > TS_REF_MAX || memcmp(ref.ptr, head, n) != 0 ||
        ref.ptr[n] == '0')
        return false;
    for (size_t i = n; i < ref.len; i++)
        if (ref.ptr[i] < '0' || ref.ptr[i] > '9')
            return false;
    return true;
}

bool body_labels_ok(const struct ts_str *labels, uint32_t count)
{
    if (count > TS_PROVENANCE_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (labels[i].len == 0 || labels[i].len > TS_PROVENANCE_LEN)
            return false;
    return true;
}

static bool is_lower_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* from..to are lower-case hex digits and not all of them zero. */
static bool is_id(const char *s, size_t from, size_t to)
{
    bool zero = true;

    for (size_t i = from; i < to; i++) {
        if (!is_lower_hex(s[i]))
            return false;
        zero = zero && s[i] == '0';
    }
    return !zero;
}

bool body_traceparent_ok(struct ts_str t)
{
    const char *s = t.ptr;

    if (t.len == 0)
        return true;
    return t.len == TS_TRACEPARENT_LEN && s[0] == '0' && s[1] == '0' &&
           s[2] == '-' && is_id(s, 3, 35) && s[35] == '-' && is_id(s, 36, 52) &&
           s[52] == '-' && is_lower_hex(s[53]) && is_lower_hex(s[54]);
}

bool body_args_ok(struct ts_bytes args)
{
    struct body_in in;

    body_in_part(&in, args);
    (void)body_in_args(&in, "args");
    return mp_done(&in.r) == TS_OK;
}

bool tool_name_is_valid(struct ts_str name)
{
    if (name.len == 0 || name.len > TS_TOOL_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!alnum && (i == 0 || (c != '.' && c != '_' && c != '-')))
            return false;
    }
    return true;
}

ts_err body_out_init(struct body_out *o, struct ts_buf *to, uint8_t type,
                     uint32_t arity, uint64_t version, size_t bytes)
{
    size_t cap = BODY_HEAD_MAX * (1 + (size_t)arity) + bytes;
    uint8_t *body;
    ts_err e = frame_begin(to, type, cap, &body);

    if (e != TS_OK)
        return e;
    *o = (struct body_out){.to = to, .type = type};
    mp_writer_init(&o->w, body, cap);
    mp_write_array(&o->w, arity);
    mp_write_uint(&o->w, version);
    return TS_OK;
}

void body_out_str(struct body_out *o, struct ts_str s)
{
    mp_write_str(&o->w, s.ptr, s.len);
}

void body_out_bin(struct body_out *o, struct ts_bytes b)
{
    mp_write_bin(&o->w, b.ptr, b.len);
}

size_t body_labels_size(const struct ts_str *labels, uint32_t count)
{
    size_t n = BODY_HEAD_MAX;

    TS_REQUIRE(count <= TS_PROVENANCE_MAX);
    for (uint32_t i = 0; i < count; i++)
        n += BODY_HEAD_MAX + labels[i].len;
    return n;
}

void body_out_labels(struct body_out *o, const struct ts_str *labels,
                     uint32_t count)
{
    mp_write_array(&o->w, count);
    for (uint32_t i = 0; i < count; i++)
        body_out_str(o, labels[i]);
}

ts_err body_out_done(struct body_out *o)
{
    return body_out_done_max(o, TS_FRAME_MAX);
}

ts_err body_out_done_max(struct body_out *o, size_t max)
{
    size_t len;
    ts_err e = mp_written(&o->w, &len);

    if (e != TS_OK)
        return e;
    if (len > max)
        return TS_E_LIMIT;
    frame_end(o->to, o->type, len);
    return TS_OK;
}
