#include "cli/policy/config.h"

#include <fcntl.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"

bool pol_config_load(const char *dir, struct snapshot **ret)
{
    /* Whether tokens can be signed is the service's business, not that of who
     * asks its policies. */
    static const struct control_start settings = {.has_token_key = true,
                                                  .has_broker = true};
    /* Of files alone: no marks, and recorded calls were long ago. */
    static const struct snapshot_past past = {.strict = true};
    char text[CONTROL_TEXT_MAX] = "cannot be read";
    int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
    struct bundle b = {0};
    ts_err e;

    if (dir_fd < 0) {
        cli_error("%s: cannot be opened as a directory; give the folder that "
                  "holds tenants/ and tools/",
                  dir);
        return false;
    }
    e = bundle_collect(dir_fd, &fd, text, sizeof(text));
    (void)close(dir_fd);
    if (e == TS_OK && (e = bundle_open(fd, &b)) == TS_OK) {
        e = snapshot_load_past(&b, &settings, 1, &past, ret, text,
                               sizeof(text));
        bundle_done(&b);
    }
    ts_fd_close(&fd);
    if (e != TS_OK)
        cli_error("%s: %s", dir, text);
    return e == TS_OK;
}
