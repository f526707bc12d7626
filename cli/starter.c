#include "cli/starter.h"

#include <string.h>

static const char *find_value(struct ts_str name,
                              const struct starter_value *values)
{
    for (; values->name != NULL; values++) {
        if (ts_str_eq_c(name, values->name))
            return values->value;
    }
    return NULL;
}

/* The next "{{" at or after `at`; the end when there is none. */
static size_t next_open(struct ts_str text, size_t at)
{
    for (; at + 1 < text.len; at++) {
        if (text.ptr[at] == '{' && text.ptr[at + 1] == '{')
            return at;
    }
    return text.len;
}

ts_err starter_fill(struct ts_str text, const struct starter_value *values,
                    struct ts_buf *out)
{
    size_t at = 0;

    while (at < text.len) {
        size_t open = next_open(text, at), close;
        const char *value;
        ts_err e = ts_buf_append(out, text.ptr + at, open - at);

        if (e != TS_OK || open == text.len)
            return e;
        close = open + 2;
        while (close + 1 < text.len &&
               !(text.ptr[close] == '}' && text.ptr[close + 1] == '}'))
            close++;
        if (close + 1 >= text.len)
            return TS_E_FORMAT;
        value = find_value(
            (struct ts_str){text.ptr + open + 2, close - open - 2}, values);
        if (value == NULL)
            return TS_E_NOT_FOUND;
        if ((e = ts_buf_append(out, value, strlen(value))) != TS_OK)
            return e;
        at = close + 2;
    }
    return TS_OK;
}
