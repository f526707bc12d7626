#ifndef SIDECAR_LAUNCHER_TOOLS_TOOLS_PRIV_H
#define SIDECAR_LAUNCHER_TOOLS_TOOLS_PRIV_H

#include <stddef.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/launcher/tools/tools.h"

/* One tool being opened: tools.c what it reaches, tools_env.c what it is told.
 */
struct opener {
    struct toolset *set;
    struct tool *tool;
    char *text;
    size_t cap;
};

/* Writes o->text: FILE:LINE of the manifest's key, the value, why. Always
 * TS_E_INVALID. */
TS_NODISCARD ts_err tool_fail(const struct opener *o, const char *key,
                              struct ts_str path, const char *why);

/* tool->env, in the set's arena: TOOL_ENV_SLOTS free places for what a call
 * adds, then the tool's own, then NULL. No variable of ours is in it. */
TS_NODISCARD ts_err tool_make_env(const struct opener *o);

#endif
