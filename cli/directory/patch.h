#ifndef CLI_DIRECTORY_PATCH_H
#define CLI_DIRECTORY_PATCH_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/directory_snapshot.h"

/*
 * Changes as an identity provider writes them: a PatchOp message of SCIM (RFC
 * 7644, section 3.5.2), of which this is a subset (tipstaff-directory(1) lists
 * it). Strict: an operation, path or attribute that is not known is an error
 * that names the operation and the field, and then nothing is changed.
 */
#define DIRECTORY_PATCH_MAX     (4u << 20) /* bytes of the document */
#define DIRECTORY_PATCH_OPS_MAX 4096

/*
 * from and everything new live in arena. ret gets the lists, sorted as a
 * snapshot has them; the rest is a copy of from. That owners and persons are
 * users is for the encoder to check. *ret only on TS_OK; otherwise reterr_text
 * is "Operations[N].FIELD: what is wrong".
 */
TS_NODISCARD ts_err directory_patch(struct ts_bytes json,
                                    const struct directory_snapshot *from,
                                    struct ts_arena *arena,
                                    struct directory_snapshot *ret,
                                    char *reterr_text, size_t reterr_cap);

#endif
