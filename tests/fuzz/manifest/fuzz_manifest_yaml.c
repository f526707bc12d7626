/* Any bytes as a manifest: loads, or says FILE:LINE. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/common/bundle.h"
#include "sidecar/common/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bundle_file f = {TS_STR_LIT("tools/f.yaml"),
                            {(const char *)data, len}};
    const struct bundle b = {.files = &f, .count = 1};
    struct manifests *m = NULL;
    char err[512];

    if (manifests_load(&b, 1, &m, err, sizeof(err)) == TS_OK)
        TS_REQUIRE(m->count == 1 && m->list[0].argv_count > 0);
    else
        TS_REQUIRE(strncmp(err, "tools", 5) == 0 && m == NULL);
    manifests_free(m);
    return 0;
}
