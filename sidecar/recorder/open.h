#ifndef SIDECAR_RECORDER_OPEN_H
#define SIDECAR_RECORDER_OPEN_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/wire/limits.h"

/*
 * Launches whose outcome has not come yet, so that they can be closed as "lost"
 * when it never will. Bounded: a gate holds TS_CALLS_MAX calls at most.
 */
#define OPEN_MAX (2 * TS_CALLS_MAX)

struct open_launch {
    char tenant[TS_ID_MAX + 1], user[TS_ID_MAX + 1], agent[TS_ID_MAX + 1];
    char tool[TS_TOOL_NAME_MAX + 1]; /* NUL-terminated, cut if too long */
};
struct open_launches { /* zeroed: empty, not usable before open_init() */
    uint8_t (*ids)[16];
    struct open_launch *names;
    uint32_t count;
};

TS_NODISCARD ts_err open_init(struct open_launches *o);
void open_done(struct open_launches *o);

/* TS_E_EXISTS: the id is open already; TS_E_LIMIT: OPEN_MAX are open. */
TS_NODISCARD ts_err open_add(struct open_launches *o, const uint8_t id[16],
                             struct ts_str tenant, struct ts_str user,
                             struct ts_str agent, struct ts_str tool);
/* TS_E_NOT_FOUND: no launch of this id is open. */
TS_NODISCARD ts_err open_remove(struct open_launches *o, const uint8_t id[16]);

#endif
