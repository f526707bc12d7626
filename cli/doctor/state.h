#ifndef CLI_DOCTOR_STATE_H
#define CLI_DOCTOR_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/supervisor/config.h"

/*
 * What is installed, as it lies on this host now: the service's own folders,
 * the places that tools work in, and programs that a tool could replace. Looks
 * at owners and modes, not at access control lists.
 */
#define STATE_REMARKS_MAX 64

struct state_remark {
    bool is_fault; /* the service would not start, or must not be trusted; else
                      calls will fail, or somebody could change something */
    char text[512];
};
struct state {
    struct state_remark list[STATE_REMARKS_MAX];
    uint32_t count;
    uint32_t left_out; /* further ones */
};

/* m may be NULL: no manifest could be read. dir: the configuration's. */
void state_look(const struct config *c, const char *dir,
                const struct manifests *m, struct state *ret);
bool state_is_faulty(const struct state *s);

/* Whether a process with that uid, gid and no other group has these rights
 * (bits of 07: 4 read, 2 write, 1 execute or search) by that owner and mode. */
TS_NODISCARD bool state_may(uid_t uid, gid_t gid, uid_t owner, gid_t group,
                            mode_t mode, unsigned rights);
/* path is folder or lies beneath it; both absolute, without a slash at the end
 * (but "/"). */
TS_NODISCARD bool state_is_beneath(const char *path, const char *folder);

#endif
