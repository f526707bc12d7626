#include "tests/unit/launcher/order_recode.h"

#include "proto/msg/order.h"

#define BYTES(text)                                                            \
    {                                                                          \
        .ptr = (const uint8_t *)(text), .len = sizeof(text) - 1                \
    }

RECODE_BODY(order, {.order_id = 0x12345678,
                    .generation = 3,
                    .tool = TS_STR_LIT("fs.read"),
                    .args = BYTES("\x81\xa4path\xa9notes.txt"),
                    .path = TS_STR_LIT("/srv/workspace/notes.txt"),
                    .access = ACCESS_READ,
                    .wall_ms = 30000,
                    .output_max = 1048576,
                    .has_stdin = true,
                    .decision_id = {1, 2, 3},
                    .token = TS_STR_LIT("e30.e30.AAAA"),
                    .box = BOX_FULL,
                    .require = LAYER_LANDLOCK | LAYER_NET_NS})
RECODE_BODY(order_kill, {.order_id = 300, .reason = END_REVOKED})
RECODE_BODY(order_void, {.order_id = 300, .code = CODE_AUDIT_UNAVAILABLE})
RECODE_BODY(order_barrier, {.id = 70000})
RECODE_BODY(order_started, {.order_id = 300,
                            .layers = 0x7ff,
                            .landlock_abi = 7,
                            .launch_us = 111,
                            .box = BOX_UID,
                            .weakened = LAYER_RLIMITS,
                            .tripwires = BYTES("\x91\x01")})
RECODE_BODY(order_refused, {.order_id = 300,
                            .code = CODE_LAUNCH_FAILED,
                            .step = TS_STR_LIT("openat2"),
                            .sys_errno = 40,
                            .text = TS_STR_LIT("a link was in the way")})
RECODE_BODY(order_exited, {.order_id = 300,
                           .reason = END_WALL_LIMIT,
                           .exit_code = 0,
                           .signal = 9,
                           .wall_us = 30000123,
                           .cpu_us = 999,
                           .max_rss_kb = 3232,
                           .killed = 2})
RECODE_BODY(ring_launch, {.launcher = 1,
                          .record = BYTES("\x81\xa4kind\xa8"
                                          "decision"),
                          .order = BYTES("\x93\x01\x02\x03")})
RECODE_BODY(ring_kill,
            {.launcher = 1, .kill = {.order_id = 300, .reason = END_CANCELLED}})
RECODE_BODY(ring_journal, {.type = JOURNAL_REVOCATION,
                           .tenant = TS_STR_LIT("acme"),
                           .key = {1, 2, 3},
                           .keep_until = UINT64_C(1795315512),
                           .payload = BYTES("\x92\x01\xa1x")})
RECODE_BODY(order_unserved,
            {.generation = 3,
             .tool = TS_STR_LIT("fs.read"),
             .text = TS_STR_LIT("tools/a.yaml:2: exec: /x: there is none")})

static const struct recode_body bodies[] = {
    RECODE_ROW(order),          RECODE_ROW(order_kill),
    RECODE_ROW(order_void),     RECODE_ROW(order_barrier),
    RECODE_ROW(order_started),  RECODE_ROW(order_refused),
    RECODE_ROW(order_exited),   RECODE_ROW(ring_launch),
    RECODE_ROW(ring_kill),      RECODE_ROW(ring_journal),
    RECODE_ROW(order_unserved),
};

const struct recode_set order_bodies = {bodies,
                                        sizeof(bodies) / sizeof(bodies[0])};
