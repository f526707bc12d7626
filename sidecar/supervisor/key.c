#include "sidecar/supervisor/key.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/trust/key_source.h"

#define SEEDS_MAX 2

static ts_err read_one(const struct key_files *f, const char *name,
                       const char *where, uint8_t seed[TRUST_SEED_LEN],
                       char *text, size_t cap)
{
    const struct key_source s = {.dir_fd = f->config_dir,
                                 .where = where,
                                 .credentials = f->credentials,
                                 .owner = f->euid};
    char what[512] = "";
    ts_err e = key_source_seed(&s, seed, what, sizeof(what));

    if (e != TS_OK)
        (void)snprintf(text, cap, "%s: in tipstaff.yaml: %s", name, what);
    return e;
}

static ts_err read_both(const struct key_files *f,
                        uint8_t seeds[SEEDS_MAX * TRUST_SEED_LEN],
                        size_t *ret_len, char *text, size_t cap)
{
    uint8_t *second = seeds + TRUST_SEED_LEN;
    ts_err e = read_one(f, "key", f->key, seeds, text, cap);

    if (e != TS_OK)
        return e;
    *ret_len = TRUST_SEED_LEN;
    if (f->token_key == NULL)
        return TS_OK;
    e = read_one(f, "token_key", f->token_key, second, text, cap);
    if (e != TS_OK)
        return e;
    if (sodium_memcmp(seeds, second, TRUST_SEED_LEN) == 0) {
        (void)snprintf(text, cap,
                       "token_key: in tipstaff.yaml: %s holds the same key as "
                       "%s; every key has one role, make another with "
                       "`tipstaff key new`",
                       f->token_key, f->key);
        return TS_E_INVALID;
    }
    *ret_len = (size_t)SEEDS_MAX * TRUST_SEED_LEN;
    return TS_OK;
}

ts_err key_pipe(const struct key_files *files, int *ret_fd, char *reterr_text,
                size_t reterr_cap)
{
    uint8_t seeds[SEEDS_MAX * TRUST_SEED_LEN] = {0};
    int ends[2] = {-1, -1};
    size_t len = 0;
    ts_err e = read_both(files, seeds, &len, reterr_text, reterr_cap);

    if (e != TS_OK) {
        sodium_memzero(seeds, sizeof(seeds));
        return e;
    }
    /* 64 bytes fit into any pipe, so the write below cannot block. */
    if (pipe2(ends, O_CLOEXEC) != 0 ||
        write(ends[1], seeds, len) != (ssize_t)len) {
        e = TS_E_SYSTEM;
        (void)snprintf(reterr_text, reterr_cap, "the key's pipe: %s",
                       strerror(errno));
        ts_fd_close(&ends[0]);
    } else {
        *ret_fd = ends[0];
    }
    ts_fd_close(&ends[1]);
    sodium_memzero(seeds, sizeof(seeds));
    return e;
}
