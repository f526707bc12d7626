#ifndef SIDECAR_QUESTION_RENDER_ARGS_H
#define SIDECAR_QUESTION_RENDER_ARGS_H

#include <stddef.h>

#include "sidecar/question/screen.h"
#include "sidecar/question/view.h"

/* The arguments as a tree, a value a line; returns how many values are not
 * wholly there. */
size_t render_args(struct screen *s, const struct approval_view *v, bool all);

#endif
