#ifndef SIDECAR_GATE_ASKING_BREAKGLASS_PRIV_H
#define SIDECAR_GATE_ASKING_BREAKGLASS_PRIV_H

#include "sidecar/gate/asking/breakglass.h"
#include "sidecar/gate/steps/records.h"

/* Inside of breakglass*.c. */

/* How long behind its exp the journal keeps an id: ended, as long as its
 * revocation; not ended, until somebody starts the service again and reads that
 * it is to be reviewed. */
#define KEEP_ENDED_S ESCALATION_KEEP_ENDED_S
#define KEEP_S       (7u * 86400u)

/* An entry of the journal as info says. */
TS_NODISCARD ts_err breakglass_note(struct gate *g,
                                    const struct escalation_entry *info,
                                    uint8_t *payload, struct ring_journal *ret);
/* What uid brought is not in force: its record is due. */
void breakglass_refused(struct gate *g, uint32_t uid, struct ts_bytes object,
                        struct ts_str code);
/* What both records of x say. */
struct escalation_record breakglass_told(const struct escalated *x,
                                         const char *kind);

#endif
