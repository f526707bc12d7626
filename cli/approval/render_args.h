#ifndef CLI_APPROVAL_RENDER_ARGS_H
#define CLI_APPROVAL_RENDER_ARGS_H

#include <stddef.h>

#include "cli/approval/screen.h"
#include "cli/approval/view.h"

/* The arguments as a tree, a value a line; returns how many values are not
 * wholly there. */
size_t render_args(struct screen *s, const struct approval_view *v, bool all);

#endif
