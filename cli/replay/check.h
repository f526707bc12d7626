#ifndef CLI_REPLAY_CHECK_H
#define CLI_REPLAY_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a line of a file of records is what the format says: no key that must
 * be there is missing, and each is of its kind. Everything below asks no
 * more, so what passes here is safe to use. Names are at most CHECK_NAME_MAX
 * bytes and printable.
 */
#define CHECK_NAME_MAX 200
#define CHECK_WHAT_MAX 256

enum check_file {
    CHECK_TOOLS,
    CHECK_TASKS,
    CHECK_PAIRS,
    CHECK_RUNS,
    CHECK_DELEGATIONS,
    CHECK_REFERENCE
};
/* False: ret_what says which key, what is wrong with it and what is expected.
 */
bool check_line(enum check_file f, json_t *o, char ret_what[CHECK_WHAT_MAX]);

/* A key that is not in the format, which is not used then; NULL: none. Those of
 * a capability are refused where it is compiled. */
const char *check_unknown(enum check_file f, json_t *o);

#endif
