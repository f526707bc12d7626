#ifndef TESTS_SANDBOX_HARNESS_PRIV_H
#define TESTS_SANDBOX_HARNESS_PRIV_H

#include "harness.h"

/* harness.c starts launchers, harness_tools.c has their manifests,
 * harness_hear.c what comes back. */
#define BOX_FILES_SIDE 1 /* index of its launcher */

/* Of the profile that the tool's manifest names; "files" if none. */
uint32_t box_side_index(const char *tool);
/* The channel on which answers about that order come. */
int box_gate_of(const struct box *b, uint64_t id);

#endif
