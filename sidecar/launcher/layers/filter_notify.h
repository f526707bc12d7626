#ifndef SIDECAR_LAUNCHER_LAYERS_FILTER_NOTIFY_H
#define SIDECAR_LAUNCHER_LAYERS_FILTER_NOTIFY_H

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"
#include "sidecar/launcher/layers/filter_keyed.h"
#include "sidecar/sandbox/profile.h"

/*
 * The variant of a filter for the layer "metadata" (sidecar/launcher/metadata).
 * Where a tool has the launcher's user, calls that change mode, owner or times
 * of a file, or the processors of another thread, are not let through but
 * stopped, and the launcher is told: what the profile allows of them becomes
 * SANDBOX_NOTIFY, what it refuses stays refused. Attributes and flags of files
 * are nobody's to change then.
 */
#define SANDBOX_NOTIFY 0x7fc00000u /* SECCOMP_RET_USER_NOTIF */

/* Before the keyed calls are added, which stay the launcher's. */
TS_NODISCARD ts_err filter_notify_apply(const struct sandbox_profile *profile,
                                        struct sandbox_model *io,
                                        struct ts_arena *arena);

/* The same table as SANDBOX_NOTIFY's calls: how we ask and answer. */

extern const struct filter_keyed filter_notify_keyed[]; /* ends with NULL */

TS_NODISCARD ts_err filter_make_notify(const struct sandbox_profile *profile,
                                       const struct filter_key *key,
                                       struct filter_program *ret);

/* As filter_install(). *ret_listener: where stopped calls are told (owned,
 * closed at exec). TS_E_UNSUPPORTED: this kernel, or what is between it and us,
 * has no such thing, and nothing is installed. */
TS_NODISCARD ts_err filter_install_notify(const struct sandbox_profile *profile,
                                          const struct filter_key *key,
                                          int *ret_listener);

#endif
