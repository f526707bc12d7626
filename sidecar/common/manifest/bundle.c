/* Manifests out of the memfd that a process is handed. */
#include <stdio.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/manifest/manifest.h"

ts_err manifests_read(int bundle_fd, const struct manifest_facts *facts,
                      uint64_t generation, struct manifests **ret,
                      char *reterr_text, size_t reterr_cap)
{
    struct bundle b = {0};
    ts_err e = bundle_open(bundle_fd, &b);

    ts_fd_close(&bundle_fd);
    if (e != TS_OK) {
        (void)snprintf(reterr_text, reterr_cap, "bundle:1: %s", ts_err_text(e));
        return e;
    }
    e = manifests_load(&b, facts, generation, ret, reterr_text, reterr_cap);
    bundle_done(&b);
    return e;
}
