#ifndef CLI_REVOCATIONS_REVOCATIONS_H
#define CLI_REVOCATIONS_REVOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/term.h"
#include "sidecar/common/revocation_entry.h"

/* tipstaff revocations: what is revoked, as the recorder keeps it. */
int cmd_revocations(int argc, char **argv);

/* One revocation as it is shown. */
struct revocation_row {
    struct revocation_entry entry;
    uint64_t keep_until; /* unix seconds; UINT64_MAX for ever */
    uint64_t now_s;
};
void revocation_row_head(const struct term *t);
/* A row for people: every byte that came from outside is escaped. */
void revocation_row_print(const struct term *t, const struct revocation_row *r);
/* One line of JSON; false: no memory for it. */
bool revocation_row_json(const struct revocation_row *r);

#endif
