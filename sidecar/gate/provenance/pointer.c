/* Pointers into JSON text (RFC 6901), and patterns of them. */
#include <string.h>

#include "proto/base/ts_buf.h"
#include "sidecar/gate/provenance/json_scan.h"
#include "sidecar/gate/provenance/leaves.h"

/* The segment at *at (behind its "/"); false when there is none. */
static bool next_segment(struct ts_str pointer, size_t *at, struct ts_str *ret)
{
    size_t from = *at + 1, end = from;

    if (*at >= pointer.len || pointer.ptr[*at] != '/')
        return false;
    while (end < pointer.len && pointer.ptr[end] != '/')
        end++;
    *ret = (struct ts_str){.ptr = pointer.ptr + from, .len = end - from};
    *at = end;
    return true;
}

bool leaf_pattern_covers(struct ts_str pattern, struct ts_str pointer)
{
    struct ts_str want, got;
    size_t i = 0, k = 0;

    while (next_segment(pattern, &i, &want))
        if (!next_segment(pointer, &k, &got) ||
            !(ts_str_eq_c(want, "*") || ts_str_eq(want, got)))
            return false;
    return i == pattern.len;
}

static bool is_index(struct ts_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

size_t leaf_pattern_of(struct ts_str pointer, char *out)
{
    struct ts_str segment;
    size_t at = 0, n = 0;

    while (next_segment(pointer, &at, &segment)) {
        if (is_index(segment))
            segment = TS_STR_LIT("*");
        if (n + 1 + segment.len > LEAVES_POINTER_MAX)
            break;
        out[n++] = '/';
        memcpy(out + n, segment.ptr, segment.len);
        n += segment.len;
    }
    return n;
}

/* A key against a segment, in which ~1 is "/" and ~0 is "~". */
static bool key_is(struct ts_str key, struct ts_str segment)
{
    size_t k = 0;

    for (size_t i = 0; i < segment.len; i++, k++) {
        char c = segment.ptr[i];

        if (c == '~') {
            if (++i == segment.len ||
                (segment.ptr[i] != '0' && segment.ptr[i] != '1'))
                return false;
            c = segment.ptr[i] == '0' ? '~' : '/';
        }
        if (k == key.len || key.ptr[k] != c)
            return false;
    }
    return k == key.len;
}

/* No leading zeros; more than there can be is none. */
static bool index_of(struct ts_str s, uint32_t *ret)
{
    uint32_t v = 0;

    if (!is_index(s) || s.len > 9 || (s.len > 1 && s.ptr[0] == '0'))
        return false;
    for (size_t i = 0; i < s.len; i++)
        v = v * 10 + (uint32_t)(s.ptr[i] - '0');
    *ret = v;
    return true;
}

static ts_err element(struct json_scan *in, uint32_t index, struct ts_str *ret)
{
    for (uint32_t i = 0;; i++) {
        bool more;
        ts_err e = json_scan_more(in, false, i == 0, &more);

        if (e != TS_OK)
            return e;
        if (!more)
            return TS_E_NOT_FOUND;
        e = json_skip_value(in, LEAVES_DEPTH_MAX, ret);
        if (e != TS_OK || i == index)
            return e;
    }
}

static ts_err member(struct json_scan *in, struct ts_str segment,
                     struct ts_buf *scratch, struct ts_str *ret)
{
    struct ts_str key, value;
    struct json_token t;
    bool found = false, more;
    ts_err e;

    for (bool first = true;; first = false) {
        if ((e = json_scan_more(in, true, first, &more)) != TS_OK)
            return e;
        if (!more)
            return found ? TS_OK : TS_E_NOT_FOUND;
        if ((e = json_scan_key(in, &t)) != TS_OK ||
            (e = json_string_text(&t, LEAVES_STRING_MAX, scratch, &key)) !=
                TS_OK ||
            (e = json_skip_value(in, LEAVES_DEPTH_MAX, &value)) != TS_OK)
            return e;
        if (!key_is(key, segment))
            continue;
        if (found)
            return TS_E_EXISTS;
        found = true;
        *ret = value;
    }
}

/* One segment down from a value that is written in `json`. */
static ts_err step(struct ts_str json, struct ts_str segment,
                   struct ts_buf *scratch, struct ts_str *ret)
{
    struct json_scan in = json_scan_of(json);
    struct json_token t;
    uint32_t index;
    ts_err e = json_scan_value(&in, &t);

    if (e != TS_OK)
        return e;
    if (t.type == JSON_OBJECT)
        return member(&in, segment, scratch, ret);
    if (t.type == JSON_ARRAY && index_of(segment, &index))
        return element(&in, index, ret);
    return TS_E_NOT_FOUND;
}

/* Of several values one after the other, the one with that number. */
static ts_err nth_value(struct ts_str json, struct ts_str segment,
                        struct ts_str *ret)
{
    struct json_scan in = json_scan_of(json);
    uint32_t index;

    if (!index_of(segment, &index))
        return TS_E_NOT_FOUND;
    for (uint32_t i = 0; !json_scan_is_over(&in); i++) {
        ts_err e = json_skip_value(&in, LEAVES_DEPTH_MAX, ret);

        if (e != TS_OK || i == index)
            return e;
    }
    return TS_E_NOT_FOUND;
}

static ts_err follow(struct ts_str json, struct ts_str pointer,
                     struct ts_buf *scratch, struct ts_str *ret)
{
    struct json_scan in = json_scan_of(json);
    struct ts_str here, segment;
    size_t at = 0;
    ts_err e = json_skip_value(&in, LEAVES_DEPTH_MAX, &here);

    if (e != TS_OK)
        return e;
    if (!json_scan_is_over(&in)) { /* a sequence: its own first segment */
        if (!next_segment(pointer, &at, &segment))
            return TS_E_NOT_FOUND;
        e = nth_value(json, segment, &here);
    }
    while (e == TS_OK && next_segment(pointer, &at, &segment))
        e = step(here, segment, scratch, &here);
    if (e == TS_OK && at != pointer.len)
        return TS_E_NOT_FOUND; /* it does not begin with "/" */
    if (e == TS_OK)
        *ret = here;
    return e;
}

ts_err leaves_at(struct ts_str json, struct ts_str pointer,
                 struct ts_str *ret_json)
{
    struct ts_buf scratch;
    ts_err e;

    ts_buf_init(&scratch, LEAVES_STRING_MAX);
    e = follow(json, pointer, &scratch, ret_json);
    ts_buf_done(&scratch);
    return e;
}
