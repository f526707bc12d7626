#include "proto/trust/id.h"

#include <string.h>

#include "proto/wire/limits.h"

static bool id_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || (c != '\0' && strchr("._@:+=-", c));
}

static bool segment_valid(struct ts_str s)
{
    return s.len > 0 && !ts_str_eq_c(s, ".") && !ts_str_eq_c(s, "..");
}

bool trust_id_valid(struct ts_str id)
{
    size_t start = 0;

    if (id.len == 0 || id.len > TS_ID_MAX)
        return false;
    for (size_t i = 0; i <= id.len; i++) {
        if (i < id.len && id.ptr[i] != '/') {
            if (!id_char(id.ptr[i]))
                return false;
            continue;
        }
        if (!segment_valid(
                (struct ts_str){.ptr = id.ptr + start, .len = i - start}))
            return false;
        start = i + 1;
    }
    return true;
}

bool trust_id_below(struct ts_str id, struct ts_str parent)
{
    return id.len > parent.len + 1 && ts_str_starts(id, parent) &&
           id.ptr[parent.len] == '/';
}

struct ts_str trust_id_parent(struct ts_str id)
{
    size_t n = id.len;

    while (n > 0 && id.ptr[n - 1] != '/')
        n--;
    return (struct ts_str){.ptr = id.ptr, .len = n > 0 ? n - 1 : 0};
}
