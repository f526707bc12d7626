#ifndef CLI_POLICY_LINE_DIFF_H
#define CLI_POLICY_LINE_DIFF_H

#include <stdio.h>

#include "cli/term.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_str.h"

/* A unified diff with three lines of context, as diff -u prints it; lines are
 * escaped for a terminal. What is too different for an exact answer (the lines
 * in question, multiplied, exceed the limit) is shown as one block. */
#define LINE_DIFF_CELLS ((size_t)16 << 20) /* bytes of working memory */

void line_diff_print(FILE *to, const struct term *t, struct ts_arena *arena,
                     const char *name, struct ts_str before,
                     struct ts_str after);

#endif
