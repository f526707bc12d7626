/* Registers of a stopped call: what is decoded is a request that names a file
 * or a thread, or an errno. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sidecar/launcher/metadata/call.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void need(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct seccomp_data d = {0};
    struct metadata_call c;
    int err;

    if (len < 1)
        return 0;
    d.nr = metadata_calls[data[0] % 13];
    memcpy(d.args, data + 1,
           len - 1 < sizeof(d.args) ? len - 1 : sizeof(d.args));
    memset(&c, 0xff, sizeof(c));
    err = metadata_decode(&d, &c);
    need(err == 0 || err == EINVAL || err == ENOSYS);
    if (err != 0)
        return 0;
    need(c.kind <= METADATA_PROCESSORS && c.form <= METADATA_UTIMBUF);
    need((c.mode & ~07777u) == 0);
    need(c.has_path || c.path == 0);
    return 0;
}
