#ifndef SIDECAR_SUPERVISOR_HOLD_H
#define SIDECAR_SUPERVISOR_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * sandbox.uids is ours alone for as long as we live. A tool is ended by killing
 * all that runs as its uid, so a second service with the same numbers, or a
 * user who has one of them, would lose processes to us, and we to it.
 *
 * What is reached by such a kill is a namespace of processes and those below
 * it; so the hold is a record lock on that namespace itself
 * (/proc/self/ns/pid), of the bytes FIRST to LAST. It needs no folder that all
 * services can write to and no common name: mount namespaces (PrivateTmp=,
 * chroot) and networks make no difference, ranges overlap where numbers do, and
 * the kernel gives it up with the process, however that ends. Two pods on one
 * node, which cannot reach each other, do not hinder each other. It is a POSIX
 * lock and not one of the open file, since the kernel says whose it is: only
 * root's count, so that nobody else can keep a service from starting. (Such a
 * file can be opened for reading alone, hence locks are shared ones, and who
 * takes one looks for others afterwards: of two at once one gives way.)
 *
 * Never open /proc/self/ns/pid anywhere else in the process: closing that
 * would give up the lock (fcntl(2)).
 *
 * Not seen: a service in a container that starts after ours, from its side
 * (docs/CONFIG.md).
 */
struct hold {
    int fd; /* owned; -1: nothing is held */
};
struct hold_range {
    uint32_t first, count; /* count >= 1, no overflow */
};
#define HOLD_TEXT 640

/* Whether this process could start tools under other uids at all. */
bool hold_is_needed(void);

/*
 * Holds the range. TS_E_DENIED: another service has some of it, or it is
 * somebody's in /etc/passwd or /etc/subuid. TS_E_STATE: processes run under
 * these uids, and still do after 2 s (what a killed service left behind is
 * dying). Others: it cannot be found out. reterr_text (HOLD_TEXT bytes) is a
 * sentence that says who, and what to write.
 */
TS_NODISCARD ts_err hold_take(struct hold_range want, struct hold *ret,
                              char *reterr_text);
/* For trials beside a service that runs: the wanted range, or another one of
 * the same size that is free; then *ret_range says which, and text why (else
 * text is empty). */
TS_NODISCARD ts_err hold_some(struct hold_range want, struct hold *ret,
                              struct hold_range *ret_range, char *text);
void hold_done(struct hold *h);

/* A line of /proc/locks that is a record lock of that device ("MAJOR:MINOR" in
 * hexadecimal): its bytes and whose. False: another line. */
TS_NODISCARD bool hold_lock_parse(const char *line, const char *device,
                                  struct hold_range *ret, long *ret_pid);
/* Which uids a line gives to somebody: "name:x:UID:..." of passwd, and
 * "name:FIRST:COUNT" of subuid. False: none. */
TS_NODISCARD bool hold_passwd_parse(const char *line, struct hold_range *ret);
TS_NODISCARD bool hold_subuid_parse(const char *line, struct hold_range *ret);

#endif
