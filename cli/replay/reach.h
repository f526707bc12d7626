#ifndef CLI_REPLAY_REACH_H
#define CLI_REPLAY_REACH_H

#include "cli/replay/drive.h"

/*
 * What an agent that knows the policies could do: when a task is over, and all
 * its outputs are known, can it make one call of a tool with effects that is
 * none of the task's, and nobody is asked? It may choose any value that is
 * trusted: words of the prompt, what the delegation names, what trusted outputs
 * said, ids of all outputs. An upper bound for the tasks, not a guess at what a
 * model does. Candidates for an argument are of the kind that recorded calls
 * have there (address, link, account, other text).
 */
struct reach_counts {
    uint32_t pairs;   /* of the task and a tool with effects */
    uint32_t reached; /* with a call that is allowed silently */
    uint32_t high;    /* of them of irreversible tools */
    /* Of them only one of the task's own calls with another amount or choice:
     * arguments of authority whose values say how much or how. */
    uint32_t quantity;
};
/* False: the gate cannot go on; said why. lines: each that was reached as a
 * line of JSON; NULL: none. */
bool reach_task(const struct drive *d, const struct traces_record *task,
                FILE *lines, struct reach_counts *ret);

/* The values that may stand in an argument, REACH_POOL_MAX at most: a new
 * array, NULL without memory. task: "calls" whose outputs were seen. */
#define REACH_POOL_MAX 400
json_t *reach_pool(const struct plan *p, const struct traces_record *task,
                   const struct shape_tool *tool, const struct shape_arg *arg);

#endif
