#include "cli/directory/view.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/files.h"

#define BUDGET ((size_t)128 << 20)

static bool read_bytes(struct dir_view *v, const char **ret_name,
                       struct ts_bytes *ret)
{
    *ret_name = v->file != NULL ? v->file : DIR_SNAPSHOT_FILE;
    if (v->file != NULL)
        return cli_read(v->file, SIGNED_SNAPSHOT_MAX, &v->arena, ret);
    switch (dir_file_read(&v->place, DIR_SNAPSHOT_FILE, SIGNED_SNAPSHOT_MAX,
                          &v->arena, ret)) {
    case DIR_READ_OK:
        return true;
    case DIR_READ_NONE:
        cli_error("tenant %s has no directory yet: everybody is denied. "
                  "\"tipstaff directory apply\" signs one",
                  v->place.tenant);
        break;
    case DIR_READ_FAILED:
        break;
    }
    return false;
}

bool dir_view_open(struct dir_view *v)
{
    struct ts_str tenant = TS_STR_LIT("");
    struct ts_bytes bytes;
    const char *name;

    v->place = (struct dir_place){.config_fd = -1, .fd = -1};
    ts_arena_init(&v->arena, BUDGET);
    if (v->file == NULL && v->config == NULL) {
        cli_error("which directory? Give a snapshot's file, or --config DIR");
        return false;
    }
    if (trust_init() != TS_OK) {
        cli_error("this libsodium must not be used");
        return false;
    }
    if (!dir_now(&v->now))
        return false;
    if (v->config != NULL) {
        if (!dir_place_open(&v->place, v->config, v->tenant) ||
            !dir_trust_load(&v->place, &v->arena, &v->trust))
            return false;
        v->has_trust = true;
        tenant = ts_str_of(v->place.tenant);
    }
    return read_bytes(v, &name, &bytes) &&
           dir_found_read(name, bytes, v->has_trust ? &v->trust : NULL, tenant,
                          &v->arena, &v->found);
}

void dir_view_close(struct dir_view *v)
{
    dir_place_close(&v->place);
    ts_arena_done(&v->arena);
}

enum dir_beat dir_view_heartbeat(struct dir_view *v, struct heartbeat *ret)
{
    struct signed_object o = {.kid = NULL};
    struct heartbeat h, verified;
    struct ts_bytes b;
    enum trust_code c;

    if (v->file != NULL ||
        dir_file_read(&v->place, DIR_HEARTBEAT_FILE, SIGNED_HEARTBEAT_MAX,
                      &v->arena, &b) != DIR_READ_OK)
        return DIR_BEAT_NONE;
    if (signed_split(SIGNED_HEARTBEAT, b, &o) != TRUST_OK ||
        heartbeat_decode(o.body, &h) != TRUST_OK)
        return DIR_BEAT_BAD;
    /* as of its own time, so that age is told from forgery */
    if (heartbeat_verify(v->trust.store, b, h.issued, &verified) != TRUST_OK)
        return DIR_BEAT_BAD;
    *ret = h;
    if (h.seq != v->found.s.seq ||
        memcmp(h.snapshot_hash, v->found.s.hash, TRUST_HASH_LEN) != 0)
        return DIR_BEAT_OTHER;
    c = heartbeat_verify(v->trust.store, b, v->now, &verified);
    return c == TRUST_OK ? DIR_BEAT_OK : DIR_BEAT_EXPIRED;
}
