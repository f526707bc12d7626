#ifndef SIDECAR_HOOK_DOCUMENT_H
#define SIDECAR_HOOK_DOCUMENT_H

#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "sidecar/hook/queue.h"

/*
 * What the command reads on its standard input: one JSON object in ASCII and a
 * newline, docs/APPROVALS.md. Every text that others wrote is as on an
 * approver's screen (question/screen.h), cut to a length: nothing in it can end
 * a line or move a cursor.
 */
#define HOOK_DOCUMENT_MAX 262144u
#define HOOK_TEXT_MAX     16384u /* bytes of the whole question as a screen */
#define HOOK_VALUE_MAX    512u   /* of one value beside it */

/* Appends to out; after an error nothing of out may be used. TS_E_FORMAT: the
 * ticket cannot be read. */
TS_NODISCARD ts_err hook_document(const struct hook_job *j, uint64_t now_s,
                                  struct ts_buf *out);

#endif
