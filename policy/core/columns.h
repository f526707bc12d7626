#ifndef POLICY_CORE_COLUMNS_H
#define POLICY_CORE_COLUMNS_H

#include "policy/cedar.h"

/*
 * Columns that text takes on a terminal: 2 for East Asian wide and emoji (UAX
 * #11), 0 for combining marks and what is not drawn, 1 for all else. An
 * approximation by blocks, as every terminal's is; used for carets and for the
 * width of lines, never for a decision. The text must be strict UTF-8.
 */
unsigned cedar_columns(const char *one_char, size_t len);
size_t cedar_columns_of(struct ts_str text);

#endif
