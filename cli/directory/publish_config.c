/* A signed directory beside the rest of its configuration, judged by the code
 * of the gate before anything is replaced. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/directory/publish_priv.h"
#include "proto/base/ts_fd.h"
#include "sidecar/gate/people/snapshot.h"

static ts_err load(int config_fd, struct snapshot **ret, char *text, size_t cap)
{
    /* Whether tokens can be signed is no matter of the directory. */
    static const struct control_start settings = {.has_token_key = true,
                                                  .has_broker = true};
    struct bundle b = {0};
    int fd = -1;
    ts_err e = bundle_collect(config_fd, &fd, text, cap);

    if (e == TS_OK && (e = bundle_open(fd, &b)) == TS_OK) {
        e = snapshot_load(&b, &settings, 1, ret, text, cap);
        bundle_done(&b);
    }
    ts_fd_close(&fd);
    return e;
}

bool dir_check_configuration(const struct dir_publish *d,
                             struct ts_bytes object)
{
    const struct snapshot_past past = {.now_s = d->now};
    char text[CONTROL_TEXT_MAX] = "out of memory";
    struct snapshot *old = NULL, *next = NULL;
    ts_err e = load(d->place.config_fd, &old, text, sizeof(text));

    if (e != TS_OK) {
        cli_error("note: not compared with policies and schema, because %s "
                  "does not load: %s",
                  d->config, text);
        return true;
    }
    e = snapshot_with_directory(old, ts_str_of(d->place.tenant), object, &past,
                                &next, text, sizeof(text));
    snapshot_free(old);
    if (e == TS_OK)
        snapshot_free(next);
    else
        cli_error("this directory would be refused: %s; nothing was changed",
                  text);
    return e == TS_OK;
}
