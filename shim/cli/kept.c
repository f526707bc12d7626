#include "shim/cli/kept.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_str.h"
#include "proto/wire/limits.h"

/* A row in words: an escaped pattern and numbers. */
#define LINE_MAX_ ((size_t)TS_OUTLINE_PATTERN_MAX * 4 + 128)

static const char *type_name(enum tipstaff_outline_type t)
{
    switch (t) {
    case TIPSTAFF_OUTLINE_STRING:
        return "string";
    case TIPSTAFF_OUTLINE_NUMBER:
        return "number";
    case TIPSTAFF_OUTLINE_BOOL:
        return "bool";
    case TIPSTAFF_OUTLINE_NULL:
        return "null";
    }
    return "value";
}

static void put(struct term *term, const char *line, int n)
{
    if (n > 0)
        term_write(term, STDOUT_FILENO, line,
                   (size_t)n < LINE_MAX_ ? (size_t)n : LINE_MAX_ - 1);
}

static void print_row(struct term *term, const struct tipstaff_outline *o)
{
    char shown[TS_OUTLINE_PATTERN_MAX * 4 + 1], size[64] = "", line[LINE_MAX_];

    (void)ts_str_escape(shown, sizeof(shown), o->pattern.ptr, o->pattern.len);
    if (o->type == TIPSTAFF_OUTLINE_STRING && !o->secret && o->min == o->max)
        (void)snprintf(size, sizeof(size), " of %" PRIu32 " bytes", o->max);
    else if (o->type == TIPSTAFF_OUTLINE_STRING && !o->secret)
        (void)snprintf(size, sizeof(size),
                       " of %" PRIu32 " to %" PRIu32 " bytes", o->min, o->max);
    put(term, line,
        snprintf(line, sizeof(line), "#%s  %" PRIu32 " %s%s%s%s\n", shown,
                 o->count, type_name(o->type), size,
                 o->untrusted ? ", untrusted" : "",
                 o->secret ? ", secret" : ""));
}

void kept_print(struct term *term, const struct tipstaff_event *ev)
{
    struct tipstaff_outline o;
    char line[LINE_MAX_];
    size_t at = 0;

    if (ev->ref.len == 0) {
        term_say("tipstaff-shim: the output was kept back, and no handle can "
                 "name it: it was too long, cut off, or not UTF-8");
        return;
    }
    put(term, line,
        snprintf(line, sizeof(line), "$ref:%.*s\n", (int)ev->ref.len,
                 ev->ref.ptr));
    while (tipstaff_outline_next(ev, &at, &o))
        print_row(term, &o);
    if (ev->more)
        put(term, line, snprintf(line, sizeof(line), "and more\n"));
    term_say("tipstaff-shim: the output was kept back; an argument of a later "
             "call may be NAME='$ref:%.*s#/POINTER'",
             (int)ev->ref.len, ev->ref.ptr);
}

static json_t *row_json(const struct tipstaff_outline *o)
{
    return json_pack("{s:s%, s:s, s:I, s:I, s:I, s:b, s:b}", "path",
                     o->pattern.ptr, o->pattern.len, "type", type_name(o->type),
                     "count", (json_int_t)o->count, "min", (json_int_t)o->min,
                     "max", (json_int_t)o->max, "untrusted",
                     o->untrusted ? 1 : 0, "secret", o->secret ? 1 : 0);
}

json_t *kept_json(const struct tipstaff_event *ev)
{
    json_t *rows = json_array();
    struct tipstaff_outline o;
    size_t at = 0;

    while (rows != NULL && tipstaff_outline_next(ev, &at, &o)) {
        if (json_array_append_new(rows, row_json(&o)) != 0) {
            json_decref(rows);
            rows = NULL;
        }
    }
    if (rows == NULL)
        return NULL;
    return json_pack("{s:I, s:I, s:b, s:o}", "stdout_bytes",
                     (json_int_t)ev->stdout_bytes, "stderr_bytes",
                     (json_int_t)ev->stderr_bytes, "more", ev->more ? 1 : 0,
                     "outline", rows);
}
