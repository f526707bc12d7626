#ifndef SIDECAR_GATE_PROVENANCE_IBAN_H
#define SIDECAR_GATE_PROVENANCE_IBAN_H

#include <stdbool.h>

#include "proto/base/ts_str.h"

/*
 * An account number (IBAN, ISO 13616) is the same in one piece and in groups of
 * four with a space between each, as it is printed.
 */
#define IBAN_MAX         34
#define IBAN_PRINTED_MAX (IBAN_MAX + (IBAN_MAX - 1) / 4)

/* The bytes of one at the beginning of text, in groups, with right check
 * digits; 0: none is there. Looks at IBAN_PRINTED_MAX + 1 bytes at most. */
size_t iban_printed(struct ts_str text);

struct iban_forms {
    char whole[IBAN_MAX], printed[IBAN_PRINTED_MAX];
    struct ts_str forms[2]; /* into these, in lower case */
};
/* Is all of text one, in either form, with right check digits? */
bool iban_forms(struct ts_str text, struct iban_forms *ret);

#endif
