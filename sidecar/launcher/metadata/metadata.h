#ifndef SIDECAR_LAUNCHER_METADATA_METADATA_H
#define SIDECAR_LAUNCHER_METADATA_METADATA_H

#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"
#include "sidecar/launcher/metadata/turns.h" /* METADATA_THREADS */

/*
 * The layer "metadata". Landlock has no say in a file's mode, owner and times,
 * nor in which processors a thread runs on: what has the launcher's user may
 * change those of everything that is this user's. Where tools have no user of
 * their own (level bare), the filter therefore stops such calls
 * (layers/filter_notify.h), and threads of the launcher carry them out: of
 * files beneath what the tool may write, and of its own threads. Everything
 * else is refused with EPERM (ESRCH for a thread).
 *
 * Nothing is ever let go on with what the tool has in its memory, which may
 * change after it was looked at: the file is opened here, without reading or
 * writing it, judged by where it lies, and changed by that descriptor.
 *
 * The threads have no capability. They share the launcher's memory since a
 * process of their own could not read the tools' where Yama allows that to
 * ancestors only; of a tool they parse registers, a path and two times. When
 * the launcher ends, so do they, and waiting calls with them.
 *
 * A run has one call in the works at a time (turns.h), so a file system that
 * does not answer takes one thread for each run that names it, and
 * METADATA_THREADS such runs are needed before the others of this launcher
 * wait.
 */

struct metadata;

/* The mark of the run that a thread belongs to (life/tree.h), 0: none. Called
 * by several threads at once. */
typedef uint64_t metadata_mark_fn(void *arg, pid_t thread);

/* Before the filter is installed, with capabilities as they are to stay and all
 * signals blocked: starts the threads, which wait. mark and arg must live as
 * long as the process. TS_E_UNSUPPORTED: this kernel cannot tell. */
TS_NODISCARD ts_err metadata_make(const struct filter_key *key,
                                  metadata_mark_fn *mark, void *arg,
                                  struct metadata **ret);
/* The filter is there, and tells this listener, which is taken over. From here
 * on m lives as long as the process. */
void metadata_begin(struct metadata *m, int listener);
/* There is none: the threads end, and m with them. */
void metadata_cancel(struct metadata *m);

/* Before the run starts: where it may write, by descriptors of which copies are
 * made. m may be NULL here and below: nothing happens. */
TS_NODISCARD ts_err metadata_admit(struct metadata *m, uint64_t mark,
                                   const int *fds, uint32_t count);
/* When nothing of it is left. */
void metadata_dismiss(struct metadata *m, uint64_t mark);

#endif
