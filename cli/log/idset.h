#ifndef CLI_LOG_IDSET_H
#define CLI_LOG_IDSET_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/* Decision ids seen while a log is verified, and how far each has come. */
enum id_state {
    ID_UNSEEN = 0,
    ID_DECIDED,  /* a decision that launches nothing */
    ID_LAUNCHED, /* an outcome is due */
    ID_ENDED
};
#define IDSET_MAX (1u << 26)

struct idset { /* zeroed is empty */
    uint8_t (*ids)[16];
    uint8_t *states;
    size_t cap, count;
};

void idset_done(struct idset *s);
enum id_state idset_get(const struct idset *s, const uint8_t id[16]);
/* Adds or changes. TS_E_NOMEM, or TS_E_LIMIT over IDSET_MAX ids. */
TS_NODISCARD ts_err idset_put(struct idset *s, const uint8_t id[16],
                              enum id_state state);
/* How many are in this state; *ret_any is one of them. */
size_t idset_count(const struct idset *s, enum id_state state,
                   uint8_t ret_any[16]);

#endif
