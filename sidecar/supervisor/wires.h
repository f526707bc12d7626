#ifndef SIDECAR_SUPERVISOR_WIRES_H
#define SIDECAR_SUPERVISOR_WIRES_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/common/control/control.h"
#include "sidecar/supervisor/spawn.h"
#include "sidecar/supervisor/supervise.h"

/*
 * Everything that connects the processes of one set: ours only while the set is
 * being started, then each end is one process's alone (docs/PRIVSEP.md says who
 * has which, sidecar/common/fds.h under which number).
 */
struct wires {
    int ring, wake, log_dir, state_dir, key, journal; /* owned */
    int absent;      /* /dev/null, for what this service has not; owned */
    int credentials; /* folder of them; owned, -1 if there is none */
    int canary;      /* O_PATH of the program; owned, -1 if it is not there */
    /* [i][0] recorder's end, [i][1] launcher's */
    int orders[TS_LAUNCHERS_MAX][2];
    /* [i][0] gate's end, [i][1] launcher's */
    int stdio[TS_LAUNCHERS_MAX][2];
    /* [i][0] broker's end, [i][1] launcher's */
    int egress[TS_LAUNCHERS_MAX][2];
    int records[2]; /* [0] broker's end, [1] gate's: of its connections */
    char resolv[CONTROL_RESOLV_MAX];
    struct ts_str dns_of_host; /* in resolv */
    uint64_t boot_id;
};

void wires_init(struct wires *w);
void wires_done(struct wires *w); /* closes what was opened */

/* The recorder's folders. What is refused is logged, and sv->rejected. */
TS_NODISCARD ts_err wires_open_dirs(struct supervisor *sv, struct wires *w);
/* What else a recorder needs, with nobody around it. */
TS_NODISCARD ts_err wires_open_recorder(struct supervisor *sv, struct wires *w);
/* All the rest, and that too, but the journal, which the recorder makes. The
 * same. */
TS_NODISCARD ts_err wires_open(struct supervisor *sv, struct wires *w);
/* Two ends for messages with descriptors, the caller's. */
TS_NODISCARD ts_err wires_pair(int ends[2]);
/* What that process is handed, behind s->fds[0], its control socket; borrowed.
 * index: of a launcher. */
void wires_gather(const struct supervisor *sv, const struct wires *w,
                  enum process_role role, uint32_t index, struct spawn *s);

#endif
