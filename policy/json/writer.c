#include "policy/json/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/core/limits.h"
#include "proto/base/ts_require.h"

static void put(struct json_writer *w, const char *s, size_t n)
{
    if (w->err == TS_OK && n > 0)
        w->err = ts_buf_append(w->out, s, n);
}

static void new_line(struct json_writer *w)
{
    static const char blanks[] = "\n            ";

    _Static_assert(sizeof(blanks) == 2 + 2 * CEDAR_JSON_INDENTS, "indents");
    if (w->depth <= CEDAR_JSON_INDENTS)
        put(w, blanks, 1 + 2 * (size_t)w->depth);
}

/* What stands between the value before and the one that comes. */
static void separate(struct json_writer *w)
{
    if (w->keyed) {
        w->keyed = false;
        return;
    }
    if (w->member)
        put(w, ",", 1);
    if (w->depth > 0)
        new_line(w);
    w->member = true;
}

void cedar_json_write_init(struct json_writer *w, struct ts_buf *out)
{
    *w = (struct json_writer){.out = out};
}

void cedar_json_write_begin(struct json_writer *w, char kind)
{
    separate(w);
    put(w, &kind, 1);
    w->depth++;
    w->member = false;
}

void cedar_json_write_end(struct json_writer *w, char kind)
{
    if (w->err != TS_OK)
        return; /* whoever failed may have left things open */
    TS_REQUIRE(w->depth > 0 && !w->keyed);
    w->depth--;
    if (w->member && w->depth < CEDAR_JSON_INDENTS)
        new_line(w); /* as its members have begun with one */
    put(w, &kind, 1);
    w->member = true;
}

/* Everything but quotes, backslashes and control characters stands for itself;
 * runs of it are copied at once. */
static void put_string(struct json_writer *w, struct ts_str s)
{
    size_t from = 0;

    put(w, "\"", 1);
    for (size_t i = 0; i < s.len; i++) {
        static const char plain[] = "\"\\\n\r\t", letters[] = "\"\\nrt";
        unsigned char c = (unsigned char)s.ptr[i];
        const char *at = c != 0 ? strchr(plain, c) : NULL;
        char text[8];
        int n;

        if (c >= 0x20 && at == NULL)
            continue;
        put(w, s.ptr + from, i - from);
        from = i + 1;
        n = at != NULL
                ? snprintf(text, sizeof(text), "\\%c", letters[at - plain])
                : snprintf(text, sizeof(text), "\\u%04x", (unsigned)c);
        put(w, text, (size_t)n);
    }
    if (from < s.len) /* an empty text may have no pointer to count from */
        put(w, s.ptr + from, s.len - from);
    put(w, "\"", 1);
}

void cedar_json_write_key(struct json_writer *w, struct ts_str key)
{
    separate(w);
    put_string(w, key);
    put(w, ": ", w->depth <= CEDAR_JSON_INDENTS ? 2 : 1);
    w->keyed = true;
}

void cedar_json_write_str(struct json_writer *w, struct ts_str v)
{
    separate(w);
    put_string(w, v);
}

void cedar_json_write_int(struct json_writer *w, int64_t v)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRId64, v);

    separate(w);
    put(w, text, (size_t)n);
}

void cedar_json_write_bool(struct json_writer *w, bool v)
{
    separate(w);
    put(w, v ? "true" : "false", v ? 4 : 5);
}

void cedar_json_write_null(struct json_writer *w)
{
    separate(w);
    put(w, "null", 4);
}

ts_err cedar_json_write_done(struct json_writer *w)
{
    TS_REQUIRE(w->err != TS_OK || (w->depth == 0 && !w->keyed));
    put(w, "\n", 1);
    return w->err;
}
