/* Any bytes as a path and as a URL: canonical forms are fixed points, and a
 * path never leaves its root. */
#include <stdint.h>

#include "proto/base/ts_require.h"
#include "sidecar/common/manifest/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct ts_str in = {(const char *)data, len};
    const struct ts_str root = TS_STR_LIT("/srv/w");
    struct url_parts u, v;
    struct ts_str p, q;
    struct ts_arena a;

    ts_arena_init(&a, 4 << 20);
    if (path_canonical(root, in, &a, &p) == TS_OK) {
        TS_REQUIRE(ts_str_starts(p, root));
        TS_REQUIRE(p.len == root.len || p.ptr[root.len] == '/');
        TS_REQUIRE(path_canonical(root, p, &a, &q) == TS_OK && ts_str_eq(p, q));
    }
    if (url_canonical(in, &a, &u) == TS_OK) {
        TS_REQUIRE(url_canonical(u.url, &a, &v) == TS_OK);
        TS_REQUIRE(ts_str_eq(u.url, v.url));
    }
    ts_arena_done(&a);
    return 0;
}
