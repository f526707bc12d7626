/* What callers ask of a loaded policy set. */
#include "policy/eval/program.h"

#include "policy/core/limits.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"

/* Files come from the operator: @id is the policy's name in every record. */
const struct cedar_options cedar_options_default = {
    .max_bytes = CEDAR_FILE_BYTES,
    .max_policies = CEDAR_POLICIES,
    .max_policy_bytes = CEDAR_POLICY_BYTES,
    .max_depth = CEDAR_EXPR_DEPTH,
    .require_id = true,
};

/* Blocks come from strangers and are named by their place in the block. */
const struct cedar_options cedar_options_block = {
    .max_bytes = CEDAR_BLOCK_BYTES,
    .max_policies = CEDAR_BLOCK_COUNT,
    .max_policy_bytes = CEDAR_BLOCK_BYTES,
    .max_depth = CEDAR_EXPR_DEPTH,
    .require_id = false,
};

void cedar_policies_free(struct cedar_policies *p)
{
    if (p == NULL)
        return;
    ts_arena_done(&p->arena);
    ts_mem_free(p);
}

size_t cedar_policies_count(const struct cedar_policies *p)
{
    return p->count;
}

struct cedar_policy_info cedar_policies_info(const struct cedar_policies *p,
                                             size_t index)
{
    TS_REQUIRE(index < p->count);
    return (struct cedar_policy_info){.id = p->meta[index].id,
                                      .effect = p->policies[index].effect,
                                      .span = p->meta[index].span};
}

bool cedar_policies_annotation(const struct cedar_policies *p, size_t index,
                               const char *key, struct ts_str *ret)
{
    const struct ev_policy_meta *m;

    TS_REQUIRE(index < p->count);
    m = &p->meta[index];
    for (uint32_t i = 0; i < m->annotation_count; i++) {
        if (ts_str_eq_c(m->annotations[i].key, key)) {
            *ret = m->annotations[i].value;
            return true;
        }
    }
    return false;
}
