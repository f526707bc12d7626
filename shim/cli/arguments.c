/*
 * NAME=TEXT and NAME:=JSON words, and JSON, to an argument map. JSON is read by
 * jansson, strictly: duplicate names are refused. A number with a fraction is
 * a float, which arguments of types decimal and json take.
 */
#include "shim/cli/arguments.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/wire/mp_write.h"
#include "shim/cli/ref_text.h"

#define ANY_VALUE (JSON_REJECT_DUPLICATES | JSON_DECODE_ANY)

TS_PRINTF(2, 3)
static ts_err explain(char *text, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, ARGUMENTS_TEXT_MAX, fmt, ap); /* cut is fine */
    va_end(ap);
    return TS_E_INVALID;
}

static void value_write(struct mp_writer *w, json_t *v, unsigned depth);

static void object_write(struct mp_writer *w, json_t *v, unsigned depth)
{
    const char *key;
    json_t *item;

    mp_write_map(w, (uint32_t)json_object_size(v));
    json_object_foreach(v, key, item)
    {
        mp_write_cstr(w, key);
        value_write(w, item, depth + 1);
    }
}

static void array_write(struct mp_writer *w, json_t *v, unsigned depth)
{
    size_t n = json_array_size(v);

    mp_write_array(w, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        value_write(w, json_array_get(v, i), depth + 1);
}

static void value_write(struct mp_writer *w, json_t *v, unsigned depth)
{
    if (depth > TS_MP_DEPTH_MAX || w->error != TS_OK) {
        w->error = w->error != TS_OK ? w->error : TS_E_LIMIT;
        return;
    }
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        object_write(w, v, depth);
        return;
    case JSON_ARRAY:
        array_write(w, v, depth);
        return;
    case JSON_STRING:
        mp_write_str(w, json_string_value(v), json_string_length(v));
        return;
    case JSON_INTEGER:
        mp_write_int(w, json_integer_value(v));
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        mp_write_bool(w, json_is_true(v));
        return;
    case JSON_NULL:
        mp_write_nil(w);
        return;
    case JSON_REAL:
        mp_write_float(w, json_real_value(v));
        return;
    }
    w->error = TS_E_UNSUPPORTED;
}

/* What mp_written() says, as a sentence about what. */
static ts_err finish(const struct mp_writer *w, const char *what,
                     size_t *ret_len, char *text)
{
    ts_err e = mp_written(w, ret_len);

    if (e != TS_OK)
        return explain(text, "%s: over %d bytes or nested over %d deep", what,
                       TS_ARGS_MAX, TS_MP_DEPTH_MAX);
    return TS_OK;
}

ts_err arguments_from_json(json_t *object, uint8_t *buf, size_t *ret_len,
                           char *reterr_text)
{
    struct mp_writer w;

    if (object != NULL && !json_is_object(object))
        return explain(reterr_text, "args: not a JSON object");
    mp_writer_init(&w, buf, TS_ARGS_MAX);
    if (object == NULL)
        mp_write_map(&w, 0);
    else
        value_write(&w, object, 1);
    return finish(&w, "args", ret_len, reterr_text);
}

/* What stands there in the output of an earlier call. */
static ts_err ref_write(struct mp_writer *w, struct ts_str value, char *text)
{
    struct ref_text r;

    if (ref_text_parse(value, &r) != TS_OK)
        return explain(text,
                       "\"%.64s\" is no handle, which is $ref:call-N or "
                       "$ref:call-N#/POINTER; as a text it is NAME:='\"...\"'",
                       value.ptr);
    mp_write_map(w, 2);
    mp_write_cstr(w, "$ref");
    mp_write_str(w, r.call.ptr, r.call.len);
    mp_write_cstr(w, "path");
    mp_write_str(w, r.path.ptr, r.path.len);
    return TS_OK;
}

/* NAME=TEXT or NAME:=JSON; the first of ":=" and "=" in the word decides. The
 * name is empty when it is neither. */
static struct ts_str name_of(const char *word)
{
    const char *eq = strchr(word, '=');
    size_t len = eq != NULL ? (size_t)(eq - word) : 0;

    if (len > 0 && word[len - 1] == ':')
        len--;
    return (struct ts_str){.ptr = word, .len = len};
}

/* words[n] is checked against those before it. */
static ts_err name_check(char **words, int n, char *text)
{
    const struct ts_str name = name_of(words[n]);

    if (name.len == 0)
        return explain(text, "\"%.64s\" is neither NAME=TEXT nor NAME:=JSON",
                       words[n]);
    for (int i = 0; i < n; i++)
        if (ts_str_eq(name, name_of(words[i])))
            return explain(text, "argument \"%.*s\" is given twice",
                           name.len < 64 ? (int)name.len : 64, name.ptr);
    return TS_OK;
}

static ts_err word_write(struct mp_writer *w, const char *word, char *text)
{
    const struct ts_str name = name_of(word);
    const char *value = word + name.len + 1;
    json_error_t je;
    json_t *v;

    mp_write_str(w, name.ptr, name.len);
    if (word[name.len] == '=') {
        if (ref_text_is(ts_str_of(value)))
            return ref_write(w, ts_str_of(value), text);
        mp_write_cstr(w, value);
        return TS_OK;
    }
    v = json_loads(value + 1, ANY_VALUE, &je);
    if (v == NULL)
        return explain(text, "%.64s is not JSON: %s", word, je.text);
    value_write(w, v, 2);
    json_decref(v);
    return TS_OK;
}

static ts_err from_file(const char *path, uint8_t *buf, size_t *ret_len,
                        char *text)
{
    bool is_stdin = strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "re");
    json_error_t je = {.line = 0};
    struct stat st;
    json_t *v;
    ts_err e;

    if (f == NULL)
        return explain(text, "%s: %s", path, strerror(errno));
    if (fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
        (void)fclose(f); /* to jansson an empty file */
        return explain(text, "%s: %s", path, strerror(EISDIR));
    }
    v = json_loadf(f, JSON_REJECT_DUPLICATES, &je);
    if (!is_stdin)
        (void)fclose(f); /* was only read */
    if (v == NULL)
        return explain(text, "%s:%d: not JSON: %s", path, je.line, je.text);
    e = json_is_object(v) ? arguments_from_json(v, buf, ret_len, text)
                          : explain(text, "%s: not a JSON object", path);
    json_decref(v);
    return e;
}

ts_err arguments_from_options(const struct options *o, uint8_t *buf,
                              size_t *ret_len, char *reterr_text)
{
    struct mp_writer w;
    ts_err e;

    if (o->json_file != NULL)
        return from_file(o->json_file, buf, ret_len, reterr_text);
    if (o->word_count > TS_ARGS_KEYS_MAX)
        return explain(reterr_text, "more than %d arguments", TS_ARGS_KEYS_MAX);
    mp_writer_init(&w, buf, TS_ARGS_MAX);
    mp_write_map(&w, (uint32_t)o->word_count);
    for (int i = 0; i < o->word_count; i++) {
        e = name_check(o->words, i, reterr_text);
        if (e == TS_OK)
            e = word_write(&w, o->words[i], reterr_text);
        if (e != TS_OK)
            return e;
    }
    return finish(&w, "arguments", ret_len, reterr_text);
}
