/* What an agent answers, as a list of keys, as a signature, and as a line of a
 * .pub file. */
#include <stdint.h>

#include "cli/approval/ssh_agent.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool visit(void *ctx, const struct ssh_key *key)
{
    const struct ts_bytes *in = ctx;

    TS_REQUIRE(key->blob.ptr >= in->ptr &&
               key->blob.ptr + key->blob.len <= in->ptr + in->len);
    TS_REQUIRE(key->comment.len <= in->len);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ts_bytes in = {data, len}, signature;
    struct ts_buf blob;
    struct ssh_key k;

    (void)!ssh_agent_keys(in, visit, &in);
    if (ssh_agent_signature(in, &signature) == TS_OK)
        TS_REQUIRE(signature.len > 0 && signature.len < len);
    ts_buf_init(&blob, SSH_KEY_BLOB_MAX);
    if (ssh_key_of_line((struct ts_str){(const char *)data, len}, &blob, &k) ==
        TS_OK)
        TS_REQUIRE(
            ssh_key_decode((struct ts_bytes){ts_buf_bytes(&blob), blob.len},
                           &k) == TS_OK);
    ts_buf_done(&blob);
    return 0;
}
