#ifndef SIDECAR_LAUNCHER_START_SECRETS_H
#define SIDECAR_LAUNCHER_START_SECRETS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/launcher/layers/filter.h"
#include "sidecar/launcher/start/given.h"

/*
 * The secrets of one tool that are given to it: read once, when its manifest is
 * loaded, into locked memory of the launcher alone. From there each call gets
 * its own copy at a fixed descriptor; the environment holds only the number
 * (TIPSTAFF_SECRET_<NAME>_FD). What the broker adds upstream (SECRET_HEADER) is
 * not read here.
 */
struct secrets;

struct secrets_source {
    int credentials_fd; /* borrowed: LAUNCHER_FD_SECRETS; -1: there are none */
    uid_t owner;        /* besides root, who may own a secret's file */
    /* Called with true before and false after a credential is opened; NULL if
     * nothing is needed: the manager's files may be root's alone. */
    void (*raise)(void *arg, bool on);
    void *arg;
};

/* *ret is NULL for a tool that is given none. reterr_text: "SOURCE: what; what
 * to do", and reterr_index whose it is in m->secrets. */
TS_NODISCARD ts_err secrets_load(const struct manifest *m,
                                 const struct secrets_source *from,
                                 struct secrets **ret, uint32_t *reterr_index,
                                 char *reterr_text, size_t reterr_cap);
void secrets_free(struct secrets *s); /* wipes them; NULL is fine */

/* How the gate recognises them; s may be NULL. token: of the call, or "". */
TS_NODISCARD ts_err secrets_tripwires(const struct secrets *s,
                                      struct ts_str token, struct ts_buf *ret);

/* Adds one descriptor for each to given, the caller's to close. On failure none
 * is added; *reterr_errno is what the system said. */
TS_NODISCARD ts_err secrets_give(const struct secrets *s,
                                 const struct filter_key *key,
                                 struct child_given given[CHILD_GIVEN_MAX],
                                 uint32_t *count, int *reterr_errno);
/* A pipe with these bytes in it (at most 4096), to be read once. */
TS_NODISCARD ts_err secrets_pipe(const uint8_t *bytes, size_t len, int *ret_fd,
                                 int *reterr_errno);

#endif
