#ifndef CLI_SERVICE_REVOKE_RECORD_H
#define CLI_SERVICE_REVOKE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_buf.h"
#include "proto/trust/revocation_record.h"

/*
 * What `tipstaff revoke` was asked for, as a signed record. All that return
 * bool print their error themselves.
 */
struct revoke_order {
    struct revocation_record r; /* target may point to bytes */
    uint8_t bytes[32];
};

/* kind and target as typed; target NULL for a tenant. */
bool revoke_order_target(struct revoke_order *o, const char *kind,
                         const char *target);
/* cutoff and keep_until as typed; NULL for what follows from the kind. */
bool revoke_order_times(struct revoke_order *o, const char *cutoff,
                        const char *keep_until);
/* Signs with the seed in the file key into out. */
bool revoke_order_sign(struct revoke_order *o, const char *key,
                       struct ts_buf *out);

/* "user alice", "grant 0a1b...", of a record that was read: printable. */
void revoke_record_title(const struct revocation_record *r, char *out,
                         size_t cap);

#endif
