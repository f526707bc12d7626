/*
 * A PatchOp document onto the sample. What is refused has a reason and leaves
 * the sample as it was; what is accepted is written as a source, and either
 * can be signed or says which entry stands in the way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/directory/patch.h"
#include "cli/directory/source.h"
#include "proto/base/ts_mem.h"
#include "tests/unit/cli_directory/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void need(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "%s\n", what);
    abort();
}

static void check_accepted(const struct directory_snapshot *s,
                           struct ts_arena *arena)
{
    struct directory_snapshot again;
    const char *what = NULL;
    struct ts_buf b;
    uint32_t index = 0;
    ts_err e;

    ts_buf_init(&b, SIGNED_SNAPSHOT_MAX);
    need(directory_source_write(s, &b) == TS_OK, "source");
    ts_buf_clear(&b);
    e = directory_snapshot_encode(s, &b, &what, &index);
    need(e == TS_OK || (e == TS_E_INVALID && what != NULL), "encode");
    if (e == TS_OK) {
        need(directory_snapshot_decode(
                 (struct ts_bytes){ts_buf_bytes(&b), b.len}, arena, &again,
                 &what, &index) == TRUST_OK,
             "decode");
        need(again.user_count == s->user_count &&
                 again.agent_count == s->agent_count &&
                 again.approver_count == s->approver_count,
             "counts");
    }
    ts_buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct directory_snapshot from, to;
    uint8_t before[TRUST_HASH_LEN], after[TRUST_HASH_LEN];
    const char *what = NULL;
    char err[512] = "";
    struct ts_arena arena;
    uint32_t index = 0;
    uint8_t *copy;

    if (trust_init() != TS_OK || (copy = ts_mem_alloc(len + 1)) == NULL)
        return 0;
    memcpy(copy, data, len);
    ts_arena_init(&arena, 32u << 20);
    sample_snapshot(&arena, &from);
    need(directory_content_hash(&from, before, &what, &index) == TS_OK, "hash");
    if (directory_patch((struct ts_bytes){copy, len}, &from, &arena, &to, err,
                        sizeof(err)) == TS_OK)
        check_accepted(&to, &arena);
    else
        need(err[0] != '\0', "refused without a reason");
    need(directory_content_hash(&from, after, &what, &index) == TS_OK &&
             memcmp(before, after, sizeof(before)) == 0,
         "the sample was changed");
    ts_arena_done(&arena);
    ts_mem_free(copy);
    return 0;
}
