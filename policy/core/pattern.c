#include "policy/core/pattern.h"

#include <string.h>

static bool ends_with(struct ts_str s, struct ts_str tail)
{
    return s.len >= tail.len &&
           (tail.len == 0 ||
            memcmp(s.ptr + (s.len - tail.len), tail.ptr, tail.len) == 0);
}

bool cedar_pattern_match(const struct cedar_pattern *p, struct ts_str text)
{
    struct ts_str head = p->runs[0], tail = p->runs[p->count - 1];

    if (p->count == 1)
        return ts_str_eq(text, head);
    if (text.len < head.len + tail.len || !ts_str_starts(text, head) ||
        !ends_with(text, tail))
        return false;
    text.ptr += head.len;
    text.len -= head.len + tail.len;
    /* Each run as far left as it fits leaves the most room for the others. */
    for (uint32_t i = 1; i + 1 < p->count; i++) {
        struct ts_str run = p->runs[i];
        const char *at;

        if (run.len == 0)
            continue;
        at = text.len < run.len ? NULL
                                : memmem(text.ptr, text.len, run.ptr, run.len);
        if (at == NULL)
            return false;
        at += run.len;
        text.len -= (size_t)(at - text.ptr);
        text.ptr = at;
    }
    return true;
}
