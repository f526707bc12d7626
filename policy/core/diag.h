#ifndef POLICY_CORE_DIAG_H
#define POLICY_CORE_DIAG_H

#include <stdarg.h>

#include "policy/cedar.h"

/* A piece of untrusted text, escaped and shortened for a diagnostic. */
struct cedar_quoted {
    char s[80];
};

struct cedar_quoted cedar_quote(struct ts_str text);

/* What a diagnostic holds of each; more is cut. */
#define CEDAR_LABEL_BYTES sizeof(((struct cedar_diag *)0)->label)
#define CEDAR_HINT_BYTES  sizeof(((struct cedar_diag *)0)->hint)

/* What to say beside the sentence; each may be NULL. Texts must be escaped
 * already (cedar_quote). */
struct cedar_diag_about {
    const char *label, *hint;
    const struct ts_str *policy; /* an id; escaped here */
};

/* Adds one sentence; see struct cedar_diags for what happens when it is full.
 * diags and about may be NULL. Arguments must be escaped already. */
void cedar_diag_put(struct cedar_diags *diags, enum cedar_severity severity,
                    const char *code, struct cedar_span span,
                    const struct cedar_diag_about *about, const char *fmt, ...)
    TS_PRINTF(6, 7);
void cedar_diag_vput(struct cedar_diags *diags, enum cedar_severity severity,
                     const char *code, struct cedar_span span,
                     const struct cedar_diag_about *about, const char *fmt,
                     va_list ap) TS_PRINTF(6, 0);
/* An error with a hint (may be NULL) and nothing else. */
void cedar_diag_add(struct cedar_diags *diags, const char *code,
                    struct cedar_span span, const char *hint, const char *fmt,
                    ...) TS_PRINTF(5, 6);

/* The candidate nearest to name by edit distance, when it is near enough to be
 * what was meant (at most a third of the length, case ignored first); else an
 * empty string. For "did you mean". */
struct ts_str cedar_did_you_mean(struct ts_str name,
                                 const struct ts_str *candidates, size_t count);

/* Position of the first byte that is not strict UTF-8; false when there is
 * none. */
bool cedar_utf8_find_bad(struct ts_str text, uint32_t source,
                         struct cedar_span *ret);

#endif
