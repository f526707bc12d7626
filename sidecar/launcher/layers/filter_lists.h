#ifndef SIDECAR_LAUNCHER_LAYERS_FILTER_LISTS_H
#define SIDECAR_LAUNCHER_LAYERS_FILTER_LISTS_H

/* Names only; a name that this architecture or library does not know is
 * skipped, which leaves it at the default (ENOSYS). NULL-terminated. */
extern const char *const filter_allowed[];
extern const char *const filter_refused[];  /* EPERM */
extern const char *const filter_changing[]; /* refused in "pure" */

#endif
