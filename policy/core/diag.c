#include "policy/core/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

void cedar_diags_clear(struct cedar_diags *diags)
{
    if (diags != NULL)
        diags->count = diags->errors = diags->warnings = 0;
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
