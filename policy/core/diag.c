#include "policy/core/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Columns of a source line shown on each side of the caret. */
#define WINDOW 60

struct cedar_quoted cedar_quote(struct ts_str text)
{
    struct cedar_quoted q;

    (void)ts_str_escape(q.s, sizeof(q.s), text.ptr, text.len);
    return q;
}

/* The slot for one more diagnostic, or NULL. An error may take the place of the
 * last warning. */
static struct cedar_diag *take_slot(struct cedar_diags *diags,
                                    enum cedar_severity severity)
{
    uint32_t n = diags->count++;

    if (severity == CEDAR_ERROR)
        diags->errors++;
    else
        diags->warnings++;
    if (n < CEDAR_DIAGS_MAX)
        return &diags->list[n];
    for (uint32_t i = CEDAR_DIAGS_MAX; severity == CEDAR_ERROR && i-- > 0;)
        if (diags->list[i].severity == CEDAR_WARNING)
            return &diags->list[i];
    return NULL;
}

static void copy(char *out, size_t cap, const char *s)
{
    (void)snprintf(out, cap, "%s", s != NULL ? s : "");
}

void cedar_diag_vput(struct cedar_diags *diags, enum cedar_severity severity,
                     const char *code, struct cedar_span span,
                     const struct cedar_diag_about *about, const char *fmt,
                     va_list ap)
{
    struct cedar_diag *d = diags != NULL ? take_slot(diags, severity) : NULL;

    if (d == NULL)
        return;
    *d = (struct cedar_diag){.code = code, .severity = severity, .span = span};
    (void)vsnprintf(d->text, sizeof(d->text), fmt, ap);
    if (about == NULL)
        return;
    copy(d->label, sizeof(d->label), about->label);
    copy(d->hint, sizeof(d->hint), about->hint);
    if (about->policy != NULL)
        (void)ts_str_escape(d->policy, sizeof(d->policy), about->policy->ptr,
                            about->policy->len);
}

void cedar_diag_put(struct cedar_diags *diags, enum cedar_severity severity,
                    const char *code, struct cedar_span span,
                    const struct cedar_diag_about *about, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    cedar_diag_vput(diags, severity, code, span, about, fmt, ap);
    va_end(ap);
}

void cedar_diag_add(struct cedar_diags *diags, const char *code,
                    struct cedar_span span, const char *hint, const char *fmt,
                    ...)
{
    struct cedar_diag_about about = {.hint = hint};
    va_list ap;

    va_start(ap, fmt);
    cedar_diag_vput(diags, CEDAR_ERROR, code, span, &about, fmt, ap);
    va_end(ap);
}

static size_t sequence_len(unsigned char c)
{
    if (c < 0x80)
        return 1;
    return c >= 0xF0 ? 4 : (c >= 0xE0 ? 3 : 2);
}

bool cedar_utf8_find_bad(struct ts_str text, uint32_t source,
                         struct cedar_span *ret)
{
    uint32_t line = 1, column = 1;
    size_t at = 0;

    if (ts_utf8_valid(text.ptr, text.len))
        return false;
    while (at < text.len) {
        size_t n = sequence_len((unsigned char)text.ptr[at]);

        if (n > text.len - at || !ts_utf8_valid(text.ptr + at, n))
            break;
        if (text.ptr[at] == '\n') {
            line++;
            column = 1;
        } else {
            column++;
        }
        at += n;
    }
    *ret = (struct cedar_span){.source = source,
                               .offset = (uint32_t)at,
                               .len = 1,
                               .line = line,
                               .column = column};
    return true;
}

/* Output that never overflows and always ends in NUL. */
struct out {
    char *p;
    size_t cap, len;
};

static void out_bytes(struct out *o, const char *s, size_t n)
{
    if (o->cap == 0 || n > o->cap - 1 - o->len)
        n = o->cap == 0 ? 0 : o->cap - 1 - o->len;
    if (n > 0)
        memcpy(o->p + o->len, s, n);
    o->len += n;
    if (o->cap > 0)
        o->p[o->len] = '\0';
}

static void out_text(struct out *o, const char *s)
{
    out_bytes(o, s, strlen(s));
}

/* One code point as one column; what could move the cursor becomes '?'. */
static void out_column(struct out *o, const char *s, size_t n)
{
    char esc[16];

    if (n == 1 && s[0] >= 0x20 && s[0] <= 0x7E) {
        out_bytes(o, s, 1);
    } else if (n > 1 && ts_str_escape(esc, sizeof(esc), s, n) == n &&
               memcmp(esc, s, n) == 0) {
        out_bytes(o, s, n);
    } else {
        out_bytes(o, s[0] == '\t' ? " " : "?", 1);
    }
}

/* Prints the line around the caret; returns how many columns stand before it.
 */
static uint32_t out_line(struct out *o, const char *line, size_t len,
                         uint32_t column)
{
    uint32_t from = column > WINDOW ? column - WINDOW : 1;
    uint32_t at = 1, before = 0;

    while (len > 0 && at < column + WINDOW) {
        size_t n = sequence_len((unsigned char)line[0]);

        if (n > len)
            n = len;
        if (at >= from) {
            out_column(o, line, n);
            before += at < column ? 1 : 0;
        }
        line += n;
        len -= n;
        at++;
    }
    return before;
}

size_t cedar_diag_format(const struct cedar_diag *d, const char *source_name,
                         struct ts_str text, bool colour, char *out, size_t cap)
{
    const char *source = text.ptr;
    size_t source_len = text.len;
    struct out o = {.p = out, .cap = cap};
    size_t start, end;
    uint32_t before;
    char head[48];

    (void)colour;
    if (cap > 0)
        out[0] = '\0';
    (void)snprintf(head, sizeof(head), ":%u:%u: ", d->span.line,
                   d->span.column);
    out_text(&o, source_name);
    out_text(&o, head);
    out_text(&o, d->text);
    out_text(&o, "\n");
    if (source != NULL && d->span.offset <= source_len) {
        start = end = d->span.offset;
        while (start > 0 && source[start - 1] != '\n')
            start--;
        while (end < source_len && source[end] != '\n' && source[end] != '\r')
            end++;
        out_text(&o, "    ");
        before = out_line(&o, source + start, end - start, d->span.column);
        out_text(&o, "\n    ");
        for (uint32_t i = 0; i < before; i++)
            out_text(&o, " ");
        out_text(&o, "^\n");
    }
    if (d->hint[0] != '\0') {
        out_text(&o, "    hint: ");
        out_text(&o, d->hint);
        out_text(&o, "\n");
    }
    return o.len;
}
