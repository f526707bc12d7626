/* The evaluator that explains: see eval_body.inc. */
#define EV_TRACED 1
#include "policy/eval/eval_body.inc"

enum ev_truth ev_condition_traced(struct ev *ev, uint32_t node)
{
    return test(ev, node);
}
