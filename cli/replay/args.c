/* Arguments of a record as msgpack. */
#include <stdio.h>
#include <string.h>

#include "cli/replay/session.h"
#include "proto/wire/mp_write.h"

static void real(struct mp_writer *w, double v)
{
    uint8_t raw[9] = {0xcb};
    uint64_t bits;

    memcpy(&bits, &v, sizeof(bits));
    for (int i = 0; i < 8; i++)
        raw[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
    mp_write_raw(w, raw, sizeof(raw));
}

static uint32_t present(json_t *object)
{
    uint32_t n = 0;
    const char *key;
    json_t *v;

    json_object_foreach(object, key, v) n += !json_is_null(v);
    return n;
}

static void value(struct mp_writer *w, json_t *v)
{
    const char *key;
    json_t *c;
    size_t i;

    switch (json_typeof(v)) {
    case JSON_OBJECT:
        mp_write_map(w, (uint32_t)json_object_size(v));
        json_object_foreach(v, key, c)
        {
            mp_write_cstr(w, key);
            value(w, c);
        }
        return;
    case JSON_ARRAY:
        mp_write_array(w, (uint32_t)json_array_size(v));
        json_array_foreach(v, i, c) value(w, c);
        return;
    case JSON_STRING:
        mp_write_str(w, json_string_value(v), json_string_length(v));
        return;
    case JSON_INTEGER:
        mp_write_int(w, json_integer_value(v));
        return;
    case JSON_REAL:
        real(w, json_real_value(v));
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        mp_write_bool(w, json_is_true(v));
        return;
    case JSON_NULL:
        mp_write_nil(w);
        return;
    }
}

static bool is_type(const struct shape_tool *tool, const char *name,
                    const char *type)
{
    for (size_t i = 0; tool != NULL && i < tool->arg_count; i++)
        if (strcmp(tool->args[i].name, name) == 0)
            return strcmp(tool->args[i].type, type) == 0;
    return false;
}

/* What a runner would have made of it: one text for a list of texts, a whole
 * number for a float that is one. */
static void argument(struct mp_writer *w, const struct shape_tool *tool,
                     const char *name, json_t *v)
{
    double d = json_is_real(v) ? json_real_value(v) : 0;

    if (is_type(tool, name, "decimal") && json_is_real(v)) {
        char text[64];

        (void)snprintf(text, sizeof(text), "%.15g", d);
        mp_write_cstr(w, text);
    } else if (is_type(tool, name, "int") && json_is_real(v) && d > -1e15 &&
               d < 1e15 && d == (double)(int64_t)d) {
        mp_write_int(w, (int64_t)d);
    } else if (is_type(tool, name, "strings") && json_is_string(v)) {
        mp_write_array(w, 1);
        value(w, v);
    } else if (is_type(tool, name, "string") && json_is_integer(v)) {
        char text[32];

        (void)snprintf(text, sizeof(text), "%lld",
                       (long long)json_integer_value(v));
        mp_write_cstr(w, text);
    } else {
        value(w, v);
    }
}

bool replay_args(const struct shape_tool *tool, json_t *args, uint8_t *out,
                 size_t cap, size_t *ret_len)
{
    struct mp_writer w;
    const char *name;
    json_t *v;

    mp_writer_init(&w, out, cap);
    mp_write_map(&w, present(args));
    json_object_foreach(args, name, v)
    {
        if (json_is_null(v))
            continue;
        mp_write_cstr(&w, name);
        argument(&w, tool, name, v);
    }
    return mp_written(&w, ret_len) == TS_OK;
}
