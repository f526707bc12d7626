#ifndef SHIM_CLI_COMMANDS_H
#define SHIM_CLI_COMMANDS_H

#include "shim/cli/options.h"
#include "shim/cli/term.h"
#include "shim/tipstaff.h"

/* One function a command; each returns the exit code. t is open. */
int command_call(struct tipstaff *t, struct term *term,
                 const struct options *o);
int command_batch(struct tipstaff *t, struct term *term,
                  const struct options *o);
int command_check(struct tipstaff *t, struct term *term,
                  const struct options *o);
int command_tools(struct tipstaff *t, struct term *term,
                  const struct options *o);
int command_revoke(struct tipstaff *t, const struct options *o);

#endif
