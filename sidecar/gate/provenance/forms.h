#ifndef SIDECAR_GATE_PROVENANCE_FORMS_H
#define SIDECAR_GATE_PROVENANCE_FORMS_H

#include <stdbool.h>

#include "proto/base/ts_str.h"

/*
 * Narrow forms: a value that as a whole is of one of these can choose, and
 * cannot say anything. A leaf in which strangers may write, and whose manifest
 * gives it a form (`selectors`), is as good as trusted while it has that form
 * (docs/PROVENANCE.md). Nothing is trimmed and nothing is taken out of a longer
 * text. Any bytes are fine; each look is linear in at most FORM_BYTES_MAX.
 */
enum prov_form {
    FORM_NAME = 0, /* 1 to 32 of letters, digits, "_", "." and "-", one of them
                      a letter or digit */
    FORM_EMAIL,    /* one mail address of ASCII, 254 bytes at most */
    FORM_ACCOUNT,  /* one account number (IBAN) as SHAPE_ACCOUNT, in one piece;
                      its check digits are not looked at */
    FORM_NUMBER,   /* as canon_number(), 32 bytes at most */
    FORM_DATE /* 2026-01-31, perhaps with " " or "T" and 09:30 or 09:30:00 */
};
#define PROV_FORMS     5
#define FORM_BYTES_MAX 254u

bool form_is(enum prov_form f, struct ts_str text);

#endif
