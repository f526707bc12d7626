#ifndef POLICY_EVAL_AUTHZ_H
#define POLICY_EVAL_AUTHZ_H

#include "policy/eval/eval_priv.h"
#include "policy/eval/index.h"

/* Grows by doubling inside the arena; small answers take one small block. */
struct ev_list {
    void *items;
    uint32_t count, cap;
};

/* One authorization in progress: what the policies judged so far came to. */
struct ev_authz {
    struct ev_list permits, forbids, errors;
    bool forbid_error;
    struct ev ev;
};

TS_NODISCARD ts_err ev_authz_init(struct ev_authz *az,
                                  const struct cedar_policies *p,
                                  const struct cedar_entities *e,
                                  const struct cedar_request *req,
                                  struct ts_arena *arena);
/* A policy whose scope matches, and what its condition came to. */
TS_NODISCARD ts_err ev_authz_note(struct ev_authz *az, uint32_t policy,
                                  enum ev_truth t);
/* Judges every policy whose scope matches. */
TS_NODISCARD ts_err ev_judge_all(struct ev_authz *az);
TS_NODISCARD ts_err ev_judge_indexed(struct ev_authz *az);
/* Policies may have been noted in any order. */
TS_NODISCARD ts_err ev_authz_answer(struct ev_authz *az,
                                    struct cedar_answer *ret);

#endif
