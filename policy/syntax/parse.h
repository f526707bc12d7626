#ifndef POLICY_SYNTAX_PARSE_H
#define POLICY_SYNTAX_PARSE_H

#include "policy/syntax/ast.h"

/*
 * Parses all sources into one tree in arena. TS_E_FORMAT when any text is
 * refused (up to CEDAR_DIAGS_MAX reasons in diags), TS_E_LIMIT when a limit of
 * options is exceeded (with a diagnostic too).
 */
TS_NODISCARD ts_err cedar_parse(struct ts_arena *arena,
                                const struct cedar_source *sources,
                                size_t count,
                                const struct cedar_options *options,
                                struct cedar_diags *diags, struct ast *ret);

#endif
