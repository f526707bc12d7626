/* Values inside a larger JSON text. */
#include "cli/policy/slice.h"

struct ts_str pol_slice(struct ts_str text, struct cedar_span span)
{
    size_t from = span.offset < text.len ? span.offset : text.len;
    size_t len = span.len < text.len - from ? span.len : text.len - from;

    return (struct ts_str){.ptr = text.ptr + from, .len = len};
}

void pol_diags_move(struct cedar_diags *diags, uint32_t from, uint32_t slice,
                    struct cedar_span at, uint32_t whole)
{
    uint32_t n =
        diags->count < CEDAR_DIAGS_MAX ? diags->count : CEDAR_DIAGS_MAX;

    for (uint32_t i = from; i < n; i++) {
        struct cedar_span *s = &diags->list[i].span;

        if (s->source != slice)
            continue;
        s->source = whole;
        if (s->line == 0) { /* about no place: about the whole value */
            *s = at;
            s->source = whole;
            continue;
        }
        if (s->line == 1)
            s->column += at.column - 1;
        s->line += at.line - 1;
        s->offset += at.offset;
    }
}
