#ifndef POLICY_CORE_PATTERN_H
#define POLICY_CORE_PATTERN_H

#include "policy/cedar.h"

/*
 * A compiled `like` pattern: the literal runs between the wildcards, so
 * count - 1 wildcards. Both sides are UTF-8, hence matching bytes is matching
 * code points: a literal run cannot begin inside a character.
 */
struct cedar_pattern {
    const struct ts_str *runs;
    uint32_t count; /* at least 1 */
};

/* One pass, no backtracking: time is linear in text and pattern. */
bool cedar_pattern_match(const struct cedar_pattern *p, struct ts_str text);

#endif
