#ifndef SIDECAR_LAUNCHER_TOOLS_ORDER_CHECK_H
#define SIDECAR_LAUNCHER_TOOLS_ORDER_CHECK_H

#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/launcher/tools/level.h"

/*
 * Whether an order may be carried out at all. The gate that wrote it is not
 * trusted: the tool is looked up among the launcher's own manifests, the
 * arguments are checked and the path is derived again, and what the order says
 * can only make the sandbox tighter. Pure: no file system, no clock.
 */
struct order_context {
    const struct manifests *current;
    const struct manifests *previous; /* NULL if none */
    uint32_t launcher_index;
    const struct level_offer *offer; /* what this launcher can give */
    enum box_level most;             /* of tipstaff.yaml */
};

struct order_refusal {
    enum call_code code;
    const char *step; /* static text */
    int sys_errno;
    char text[256];
};

struct order_plan {
    const struct manifest *manifest; /* lives as long as its manifests */
    struct call_args args;           /* in the arena; borrows the order */
    char **argv;                     /* in the arena */
    uint32_t argc;
    enum order_access access;
    enum box_level level; /* of the box; never BOX_ANY */
    uint64_t wall_ms;
};

TS_NODISCARD ts_err order_check(const struct order_context *c,
                                const struct order *o, struct ts_arena *arena,
                                struct order_plan *ret,
                                struct order_refusal *reterr);

/* The box alone, of a manifest that was found: for another offer. */
TS_NODISCARD ts_err order_level(const struct order_context *c,
                                const struct manifest *m, const struct order *o,
                                enum box_level *ret,
                                struct order_refusal *reterr);

#endif
