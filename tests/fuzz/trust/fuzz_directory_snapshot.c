/* The body of a snapshot: what is read lies in its lists' bounds, is in order,
 * and has one encoding; what is refused names why. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/directory_snapshot.h"
#include "proto/trust/id.h"
#include "proto/wire/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(const struct directory_snapshot *s)
{
    TS_REQUIRE(trust_id_valid(s->tenant) && s->seq > 0 &&
               s->issued < s->not_after);
    for (uint32_t i = 0; i < s->user_count; i++) {
        TS_REQUIRE(trust_id_valid(s->users[i].id) &&
                   s->users[i].group_count <= DIRECTORY_GROUPS_MAX &&
                   s->users[i].attr_count <= DIRECTORY_ATTRS_MAX);
        TS_REQUIRE(i == 0 ||
                   ts_str_cmp(s->users[i - 1].id, s->users[i].id) < 0);
    }
    for (uint32_t i = 0; i < s->agent_count; i++) {
        const struct directory_agent *a = &s->agents[i];

        TS_REQUIRE(trust_id_valid(a->id) && a->max_depth <= TS_DEPTH_MAX &&
                   a->key_count <= TRUST_AGENT_KEYS_MAX &&
                   a->uid_count <= TRUST_AGENT_UIDS_MAX);
        TS_REQUIRE(i == 0 || ts_str_cmp(s->agents[i - 1].id, a->id) < 0);
        for (uint32_t k = 0; k < a->key_count; k++)
            TS_REQUIRE(trust_pk_check(a->keys[k]) == TS_OK);
    }
    for (uint32_t i = 0; i < s->approver_count; i++)
        TS_REQUIRE(trust_pk_check(s->approvers[i].pk) == TS_OK &&
                   trust_id_valid(s->approvers[i].person));
    TS_REQUIRE(s->revocation_count <= DIRECTORY_REVOCATIONS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static bool ready;
    struct directory_snapshot s;
    struct ts_arena arena;
    const char *what = NULL;
    uint32_t index = 0;
    enum trust_code c;
    uint8_t *exact;

    if (!ready)
        TS_REQUIRE(trust_init() == TS_OK);
    ready = true;
    exact = ts_mem_alloc(len > 0 ? len : 1);
    TS_REQUIRE(exact != NULL);
    if (len > 0)
        memcpy(exact, data, len);
    ts_arena_init(&arena, 32u << 20);
    c = directory_snapshot_decode((struct ts_bytes){.ptr = exact, .len = len},
                                  &arena, &s, &what, &index);
    TS_REQUIRE((c == TRUST_OK) == (what == NULL));
    if (c == TRUST_OK) {
        struct ts_buf out;

        check(&s);
        ts_buf_init(&out, len);
        TS_REQUIRE(directory_snapshot_encode(&s, &out, &what, &index) == TS_OK);
        TS_REQUIRE(out.len == len &&
                   memcmp(ts_buf_bytes(&out), exact, len) == 0);
        ts_buf_done(&out);
    }
    ts_arena_done(&arena);
    ts_mem_free(exact);
    return 0;
}
