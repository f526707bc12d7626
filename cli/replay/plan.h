#ifndef CLI_REPLAY_PLAN_H
#define CLI_REPLAY_PLAN_H

#include "cli/capability/text.h"
#include "cli/replay/shape.h"
#include "cli/replay/traces.h"

/*
 * What the root of a task's delegation says: reads, and the capabilities of the
 * record of delegations. Two things a record does not have are filled in:
 * spellings (a record holds values in the form in which they are compared;
 * policies compare texts as they are, so the spellings of the prompt and of the
 * task's own calls are added), and in which half of an output (output.h) a
 * place lies. Without a record of the task's delegation, or when it does not
 * fit into a block, nothing but reads is delegated; the latter is said, and
 * *ret_only_reads. out is empty before. False: out of memory, and said.
 */
enum plan_sources { /* what becomes of `from` in the record's capabilities */
    PLAN_NAMED,     /* as it is */
    PLAN_NONE,      /* nothing instead: only what is pinned in advance */
    PLAN_ANY        /* any value instead */
};
struct plan {
    const struct traces *traces;
    const struct shape *shape;
    enum traces_label label;
    bool has_provenance, has_uses;
    enum plan_sources sources;
};
bool plan_policy(const struct plan *p, const struct traces_record *r,
                 struct text *out, bool *ret_only_reads);

#endif
