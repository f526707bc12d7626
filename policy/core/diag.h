#ifndef POLICY_CORE_DIAG_H
#define POLICY_CORE_DIAG_H

#include "policy/cedar.h"

/* A piece of untrusted text, escaped and shortened for a diagnostic. */
struct cedar_quoted {
    char s[80];
};

struct cedar_quoted cedar_quote(struct ts_str text);

/* Adds one sentence; beyond CEDAR_DIAGS_MAX only the count grows. diags may be
 * NULL. hint may be NULL. Arguments must be escaped already. */
void cedar_diag_add(struct cedar_diags *diags, const char *code,
                    struct cedar_span span, const char *hint, const char *fmt,
                    ...) TS_PRINTF(5, 6);

/* Position of the first byte that is not strict UTF-8; false when there is
 * none. */
bool cedar_utf8_find_bad(struct ts_str text, uint32_t source,
                         struct cedar_span *ret);

#endif
