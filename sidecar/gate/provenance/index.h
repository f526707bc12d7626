#ifndef SIDECAR_GATE_PROVENANCE_INDEX_H
#define SIDECAR_GATE_PROVENANCE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/gate/provenance/source.h"

/*
 * Every leaf that a task has seen, to be asked "does this value stand there?".
 * One pass over a leaf when it comes; a look-up costs the occurrences of the
 * value's rarest word, never a scan of what was seen.
 *
 * A text stands in a leaf if its canonical form (canon.h) equals the leaf's or
 * stands in it between bytes that are not [a-z0-9], and not as a part of a
 * longer address (canon_edges_fit); an account number also in its other form
 * (iban.h). A number stands where the same number stands, in any spelling, and
 * not as a part of a longer one. An id equals a leaf that is an id, byte for
 * byte; in the prompt it must follow the word "id".
 *
 * Bounded in memory and in the work of one look-up; words are hashed under a
 * random key. What does not fit is counted as lost, and not found: UNKNOWN is
 * the worst answer, so running out of either is no way to a better one. Leaves
 * of strangers cannot crowd a look-up among the others: each source has lists
 * of its own, and the best is searched first.
 */
#define PROV_TASK_BYTES  (2u << 20) /* for text, leaves and words together */
#define PROV_LOOKUP_WORK (1u << 16) /* bytes compared for one source */
#define PROV_CALL_WORK   (1u << 23) /* of all look-ups of one call */
#define PROV_VALUE_MAX   131072u    /* bytes of a value; a longer is UNKNOWN */

struct prov_index;
TS_NODISCARD ts_err prov_index_new(size_t max_bytes, struct prov_index **ret);
void prov_index_free(struct prov_index *x);

enum prov_kind {
    PROV_TEXT = 1,
    PROV_NUMBER, /* the text of a JSON number, or of an int argument */
    PROV_ID
};
/* call and place are the caller's numbers for whose output it is and where in
 * it. TS_E_LIMIT, TS_E_NOMEM, TS_E_FORMAT (not UTF-8): it was counted as lost.
 * Text without a letter or digit is compared as a whole; empty text is ignored.
 */
TS_NODISCARD ts_err prov_index_add(struct prov_index *x, enum prov_kind kind,
                                   struct ts_str text,
                                   const struct prov_label *label,
                                   uint32_t call, uint32_t place);

#define PROV_FOUND_PLACES 8
struct prov_found {
    enum prov_source source; /* the best that was found, or UNKNOWN */
    uint32_t count;          /* different places of that source */
    uint32_t places[PROV_FOUND_PLACES];
    uint32_t calls[PROV_FOUND_PLACES];
    bool more; /* there may be places that are not in the list */
    enum prov_confidentiality level; /* highest of those found */
};
/* Not for two at once: x keeps the memory for canonical forms.
 * A value that is empty, not UTF-8, or without memory for its canonical form is
 * UNKNOWN. */
void prov_index_find(struct prov_index *x, enum prov_kind kind,
                     struct ts_str value, struct prov_found *ret);
/*
 * What calls were given, so that a value that a tool only repeats is not taken
 * for the tool's word: an index of arguments, whose leaves have the name of
 * their call's arguments in the place of the call's number.
 */
#define PROV_SAID_MAX 1024u /* names that one value is looked up with */
struct prov_said {
    uint32_t names[2 * PROV_SAID_MAX]; /* a table; 0: free */
    uint32_t count;
    bool all; /* there may be more: take it for any */
};
/* Adds the names of the arguments that a value equals or is a part of, in the
 * forms of prov_index_find(); an id only equals them. */
void prov_index_said(struct prov_index *x, enum prov_kind kind,
                     struct ts_str value, struct prov_said *said);
bool prov_said_has(const struct prov_said *s, uint32_t name);
/* As prov_index_find(), without the leaves of calls that said it. */
void prov_index_find_but(struct prov_index *x, enum prov_kind kind,
                         struct ts_str value, const struct prov_said *said,
                         struct prov_found *ret);
/* What all look-ups together may cost until this is said again; SIZE_MAX, as at
 * first, is no limit. Beyond it nothing is found and `more` is true. */
void prov_index_limit(struct prov_index *x, size_t work);
/* How many secret leaves (PROV_SECRET, PROV_SECRET_MIN bytes or more, not in
 * the prompt) stand in a text. Counts on the safe side when it cannot tell. */
#define PROV_SECRET_MIN 6
uint32_t prov_index_secrets_in(struct prov_index *x, struct ts_str text);
uint64_t prov_index_lost(const struct prov_index *x);
size_t prov_index_bytes(const struct prov_index *x);

#endif
