/* A line: fixed head, the record, the hash of the line before. */
#include "sidecar/recorder/line.h"

#include <string.h>
#include <time.h>

#include "proto/trust/pae.h"
#include "sidecar/recorder/json_out.h"
#include "sidecar/recorder/record.h"

#define CONTEXT "tipstaff/1/log"

static const char head_seq[] = "{\"v\":1,\"seq\":";
static const char head_time[] = ",\"time\":\"";
static const char tail_journal[] = ",\"journal\":";
static const char tail_prev[] = ",\"prev\":\"";

#define TIME_LEN (LINE_TIME - 1)
#define TAIL_LEN (sizeof(tail_prev) - 1 + (size_t)2 * LINE_HASH + 2)

void line_hash(uint8_t out[LINE_HASH], const char *line, size_t len)
{
    const struct ts_bytes part = {.ptr = (const uint8_t *)line, .len = len};

    pae_hash(out, LINE_HASH, CONTEXT, &part, 1);
}

/* v in decimal at out[from..to), with leading zeros. */
static void put_number(char *out, size_t from, size_t to, uint64_t v)
{
    while (to > from) {
        out[--to] = (char)('0' + v % 10);
        v /= 10;
    }
}

/* For each record: no printf. */
void line_time(char out[LINE_TIME], uint64_t unix_us)
{
    time_t s = (time_t)(unix_us / 1000000 % 253402300800u); /* year 9999 */
    struct tm tm = {0};

    (void)gmtime_r(&s, &tm); /* cannot fail in this range */
    memcpy(out, "0000-00-00T00:00:00.000000Z", LINE_TIME);
    put_number(out, 0, 4, (uint64_t)tm.tm_year + 1900);
    put_number(out, 5, 7, (uint64_t)tm.tm_mon + 1);
    put_number(out, 8, 10, (uint64_t)tm.tm_mday);
    put_number(out, 11, 13, (uint64_t)tm.tm_hour);
    put_number(out, 14, 16, (uint64_t)tm.tm_min);
    put_number(out, 17, 19, (uint64_t)tm.tm_sec);
    put_number(out, 20, 26, unix_us % 1000000);
}

ts_err line_append(struct ts_json *o, struct chain *c, const struct record *r,
                   uint64_t unix_us)
{
    const struct ts_json before = *o;
    char when[LINE_TIME], hex[(size_t)2 * LINE_HASH + 1];

    line_time(when, unix_us);
    ts_hex_encode(hex, c->prev, LINE_HASH);
    ts_json_cstr(o, head_seq);
    ts_json_uint(o, c->last_seq + 1);
    ts_json_cstr(o, head_time);
    ts_json_cstr(o, when);
    ts_json_cstr(o, "\",");
    record_members(r, o);
    if (c->journal != 0) {
        ts_json_cstr(o, tail_journal);
        ts_json_uint(o, c->journal);
    }
    ts_json_cstr(o, tail_prev);
    ts_json_cstr(o, hex);
    ts_json_cstr(o, "\"}\n");
    if (o->full) {
        *o = before;
        return TS_E_LIMIT;
    }
    c->last_seq++;
    c->journal = 0;
    line_hash(c->prev, o->buf + before.len, o->len - before.len - 1);
    return TS_OK;
}

/* Moves *at past the text if it stands there. */
static bool skip(const char *line, size_t len, size_t *at, const char *text)
{
    size_t n = strlen(text);

    if (len - *at < n || memcmp(line + *at, text, n) != 0)
        return false;
    *at += n;
    return true;
}

static bool read_seq(const char *line, size_t len, size_t *at, uint64_t *ret)
{
    size_t from = *at;
    uint64_t v = 0;

    while (*at < len && line[*at] >= '0' && line[*at] <= '9') {
        if (*at - from >= 16)
            return false; /* 2^53 has 16 digits */
        v = v * 10 + (uint64_t)(line[*at] - '0');
        (*at)++;
    }
    if (*at == from || line[from] == '0')
        return false;
    *ret = v;
    return true;
}

/* The journal's number in front of end. No value but a number can end in a
 * digit there, and no record brings a key of this name. */
static uint64_t read_journal(const char *line, size_t end)
{
    size_t at = end, n = sizeof(tail_journal) - 1;
    uint64_t v = 0;

    while (at > 0 && line[at - 1] >= '0' && line[at - 1] <= '9')
        at--;
    if (at < n || memcmp(line + at - n, tail_journal, n) != 0)
        return 0;
    return read_seq(line, end, &at, &v) ? v : 0;
}

ts_err line_view(const char *line, size_t len, struct line_view *ret)
{
    struct line_view v = {.kind = TS_STR_LIT("")};
    size_t at = 0, end;
    const char *quote;

    if (len < TAIL_LEN || !skip(line, len, &at, head_seq) ||
        !read_seq(line, len, &at, &v.seq) || !skip(line, len, &at, head_time) ||
        len - at < TIME_LEN + TAIL_LEN)
        return TS_E_FORMAT;
    v.time = (struct ts_str){.ptr = line + at, .len = TIME_LEN};
    at += TIME_LEN;
    if (skip(line, len, &at, "\",\"kind\":\"")) {
        quote = memchr(line + at, '"', len - at);
        if (quote == NULL)
            return TS_E_FORMAT;
        v.kind = (struct ts_str){.ptr = line + at,
                                 .len = (size_t)(quote - (line + at))};
        at += v.kind.len;
    }
    end = len - TAIL_LEN;
    v.journal = at <= end ? read_journal(line, end) : 0;
    if (at > end || !skip(line, len, &end, tail_prev) ||
        ts_hex_decode(line + end, (size_t)2 * LINE_HASH, v.prev, LINE_HASH) !=
            TS_OK ||
        line[len - 2] != '"' || line[len - 1] != '}')
        return TS_E_FORMAT;
    *ret = v;
    return TS_OK;
}

ts_err chain_follow(struct chain *c, const char *line, size_t len)
{
    struct line_view v;
    ts_err e = line_view(line, len, &v);

    if (e != TS_OK)
        return e;
    if (v.seq != c->last_seq + 1)
        return TS_E_STATE;
    if (memcmp(v.prev, c->prev, LINE_HASH) != 0)
        return TS_E_AUTH;
    c->last_seq = v.seq;
    line_hash(c->prev, line, len);
    return TS_OK;
}
