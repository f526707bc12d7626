/* What the host gives to those who make full boxes, tried apart from the
 * launcher: a test may pass over full boxes where, and only where, the host
 * gives nobody what they are made of. */
#ifndef TESTS_SANDBOX_HOST_H
#define TESTS_SANDBOX_HOST_H

#include <stdbool.h>

/* 0 when a mount namespace is given whose mounts are nobody else's; else the
 * errno. has_caps: to the caller, who is root; else to box_user(), in a user
 * namespace of its own. Not given in a plain chroot, for one. */
int host_namespaces(bool has_caps);

/* The same as a condition; false says SKIPPED and why. */
bool host_gives_full(bool has_caps);

#endif
