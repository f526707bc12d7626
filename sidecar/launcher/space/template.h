#ifndef SIDECAR_LAUNCHER_SPACE_TEMPLATE_H
#define SIDECAR_LAUNCHER_SPACE_TEMPLATE_H

#include <stdint.h>

#include "sidecar/launcher/space/plan.h"
#include "sidecar/launcher/space/space.h"

/* The helper's side of space_build(). */
struct template_job {
    const struct space_builder *b;
    const struct space_plan *plans;
    uint32_t count;
};

/* Notes: first TEMPLATE_BASE with two descriptors (/etc, /dev), then one of
 * each plan: its mount namespace, /run/call, /run/kernel; or err, step and the
 * path (from). A base that failed is the only note. */
#define TEMPLATE_BASE UINT32_MAX
int template_helper(int sock, void *job);

#endif
