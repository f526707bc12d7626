#include "policy/core/pattern.h"

#include <string.h>

#include "policy/core/uid.h"

bool cedar_pattern_match(const struct cedar_pattern *p, struct ts_str text)
{
    struct ts_str head = p->runs[0], tail = p->runs[p->count - 1];

    if (p->count == 1)
        return cedar_str_same(text, head);
    if (text.len < head.len + tail.len ||
        !cedar_bytes_same(text.ptr, head.ptr, head.len) ||
        !cedar_bytes_same(text.ptr + (text.len - tail.len), tail.ptr, tail.len))
        return false;
    if (p->count == 2)
        return true;
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
