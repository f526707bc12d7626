/* Any bytes as a manifest: it is served, or refused with FILE:LINE. */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct manifest_facts facts = {.has_broker = true,
                                            .has_token_key = true};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bundle_file f = {TS_STR_LIT("tools/f.yaml"),
                            {(const char *)data, len}};
    const struct bundle b = {.files = &f, .count = 1};
    struct manifests *m = NULL;
    char err[512];

    TS_REQUIRE(manifests_load(&b, &facts, 1, &m, err, sizeof(err)) == TS_OK);
    TS_REQUIRE(m->count + m->refused_count == 1);
    if (m->count == 1)
        TS_REQUIRE(m->list[0].argv_count > 0 && m->list[0].seccomp.len > 0);
    else
        TS_REQUIRE(strncmp(m->refused[0].text.ptr, "tools/f.yaml:", 13) == 0 &&
                   m->refused[0].line > 0);
    manifests_free(m);
    return 0;
}
