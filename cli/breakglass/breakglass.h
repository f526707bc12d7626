#ifndef CLI_BREAKGLASS_BREAKGLASS_H
#define CLI_BREAKGLASS_BREAKGLASS_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/base/ts_arena.h"
#include "proto/trust/escalation.h"

/* tipstaff break-glass: what is permitted for a while because several people
 * say so (docs/APPROVALS.md). */
int cmd_breakglass(int argc, char **argv);

int breakglass_request_run(int argc, char **argv);
int breakglass_show_run(int argc, char **argv);
int breakglass_sign_run(int argc, char **argv);
int breakglass_activate_run(int argc, char **argv);
int breakglass_ls_run(int argc, char **argv);
int breakglass_end_run(int argc, char **argv);

/* A file of an escalation, signed or not; everything borrows from arena. Prints
 * its error. */
struct breakglass_file {
    struct ts_bytes object;
    struct escalation_object o;
    struct escalation e;
};
bool breakglass_read(const char *path, struct ts_arena *arena,
                     struct breakglass_file *ret);
/* A line of printable ASCII; takes j over, NULL is no memory. Prints its error.
 */
bool breakglass_json(json_t *j);
/* All of it on standard output, with what others wrote escaped. */
bool breakglass_print(const struct breakglass_file *f);

#endif
