/* A JSON document on standard output. */
#include "cli/policy/json_out.h"

#include <inttypes.h>
#include <string.h>

#include "cli/policy/files.h"
#include "proto/base/ts_require.h"

void json_out_init(struct json_out *j, FILE *to)
{
    *j = (struct json_out){.to = to};
}

static uint32_t code_point(const char *s, size_t len, size_t *ret_n)
{
    static const unsigned char mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned char c = (unsigned char)s[0];
    size_t n = c < 0x80 ? 1 : (c >= 0xF0 ? 4 : (c >= 0xE0 ? 3 : 2));
    uint32_t v;

    *ret_n = 1;
    if (n > len || !ts_utf8_valid(s, n))
        return 0xFFFD;
    *ret_n = n;
    v = c & mask[n];
    for (size_t i = 1; i < n; i++)
        v = v << 6 | ((unsigned char)s[i] & 0x3F);
    return v;
}

static void put_point(FILE *f, uint32_t c)
{
    if (c == '"' || c == '\\')
        (void)fprintf(f, "\\%c", (int)c);
    else if (c == '\n')
        (void)fputs("\\n", f);
    else if (c >= 0x20 && c < 0x7F)
        (void)fputc((int)c, f);
    else if (c < 0x10000)
        (void)fprintf(f, "\\u%04" PRIx32, c);
    else
        (void)fprintf(f, "\\u%04" PRIx32 "\\u%04" PRIx32,
                      0xD800 + ((c - 0x10000) >> 10),
                      0xDC00 + ((c - 0x10000) & 0x3FF));
}

static void put_string(FILE *f, struct ts_str s)
{
    size_t n;

    (void)fputc('"', f);
    for (size_t i = 0; i < s.len; i += n)
        put_point(f, code_point(s.ptr + i, s.len - i, &n));
    (void)fputc('"', f);
}

/* What stands before every value: comma, indentation, key. */
static void begin(struct json_out *j, const char *key)
{
    if (j->depth > 0) {
        (void)fputs(j->filled[j->depth - 1] ? ",\n" : "\n", j->to);
        j->filled[j->depth - 1] = true;
        (void)fprintf(j->to, "%*s", (int)j->depth * 2, "");
    }
    if (key != NULL) {
        put_string(j->to, ts_str_of(key));
        (void)fputs(": ", j->to);
    }
}

static void open_one(struct json_out *j, const char *key, char open, char close)
{
    TS_REQUIRE(j->depth < JSON_OUT_DEPTH);
    begin(j, key);
    (void)fputc(open, j->to);
    j->filled[j->depth] = false;
    j->close[j->depth++] = close;
}

void json_out_object(struct json_out *j, const char *key)
{
    open_one(j, key, '{', '}');
}

void json_out_array(struct json_out *j, const char *key)
{
    open_one(j, key, '[', ']');
}

void json_out_end(struct json_out *j)
{
    TS_REQUIRE(j->depth > 0);
    j->depth--;
    if (j->filled[j->depth])
        (void)fprintf(j->to, "\n%*s", (int)j->depth * 2, "");
    (void)fputc(j->close[j->depth], j->to);
    if (j->depth == 0)
        (void)fputc('\n', j->to);
}

void json_out_str(struct json_out *j, const char *key, struct ts_str v)
{
    begin(j, key);
    put_string(j->to, v);
}

void json_out_text(struct json_out *j, const char *key, const char *v)
{
    json_out_str(j, key, ts_str_of(v));
}

void json_out_int(struct json_out *j, const char *key, int64_t v)
{
    begin(j, key);
    (void)fprintf(j->to, "%" PRId64, v);
}

void json_out_bool(struct json_out *j, const char *key, bool v)
{
    begin(j, key);
    (void)fputs(v ? "true" : "false", j->to);
}

void json_out_null(struct json_out *j, const char *key)
{
    begin(j, key);
    (void)fputs("null", j->to);
}

void json_out_decimal(struct json_out *j, const char *key, double v)
{
    begin(j, key);
    (void)fprintf(j->to, "%.3f", v);
}

void json_out_uid(struct json_out *j, const char *key,
                  const struct cedar_uid *uid)
{
    struct cedar_value v = cedar_entity(uid);
    char text[1024];

    (void)cedar_value_print(&v, text, sizeof(text));
    json_out_text(j, key, text);
}

static void text_if_any(struct json_out *j, const char *key, const char *v)
{
    if (*v != '\0')
        json_out_text(j, key, v);
}

void json_out_diag(struct json_out *j, const struct cedar_diag *d,
                   const struct pol_files *files)
{
    bool known = files != NULL && d->span.source < files->count;

    json_out_object(j, NULL);
    json_out_text(j, "severity",
                  d->severity == CEDAR_WARNING ? "warning" : "error");
    json_out_text(j, "code", d->code != NULL ? d->code : "");
    json_out_text(j, "file", known ? files->list[d->span.source].name : "");
    json_out_int(j, "line", d->span.line);
    json_out_int(j, "column", d->span.column);
    json_out_int(j, "offset", d->span.offset);
    json_out_int(j, "length", d->span.len);
    json_out_text(j, "message", d->text);
    text_if_any(j, "label", d->label);
    text_if_any(j, "hint", d->hint);
    text_if_any(j, "policy", d->policy);
    json_out_end(j);
}
