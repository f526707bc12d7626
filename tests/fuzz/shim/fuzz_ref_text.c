/* A word that is read as a handle is that word and no other: put together again
 * it is the same, but for a "#" that may be left out. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "proto/wire/limits.h"
#include "shim/cli/ref_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct ts_str text = {.ptr = (const char *)data, .len = len};
    struct ref_text r;
    bool has_hash;

    if (ref_text_parse(text, &r) != TS_OK)
        return 0;
    TS_REQUIRE(ref_text_is(text));
    TS_REQUIRE(r.call.ptr == text.ptr + 5 && r.call.len <= TS_REF_MAX);
    TS_REQUIRE(memchr(r.call.ptr, '#', r.call.len) == NULL);
    has_hash = 5 + r.call.len < len;
    TS_REQUIRE(5 + r.call.len + (has_hash ? 1 : 0) + r.path.len == len);
    TS_REQUIRE(r.path.len == 0 || r.path.ptr[0] == '/');
    return 0;
}
