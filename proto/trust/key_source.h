#ifndef PROTO_TRUST_KEY_SOURCE_H
#define PROTO_TRUST_KEY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/trust/keys.h"

/*
 * Where a secret seed may lie, for every program that is given one. Exactly 32
 * bytes in a regular file (RUSTSEC-2022-0093: never a stored pair), and one of
 *
 * - PATH: no symbolic link; owner root or the caller; no bit beyond read and
 *   write of the owner
 * - PATH in a Kubernetes secret volume: the links NAME -> ..data/NAME and
 *   ..data -> ..TIME as the kubelet makes them, all of it root's; mode 0400, or
 *   0440 when the group is one of ours (fsGroup)
 * - credential:NAME, systemd.exec(5): beneath $CREDENTIALS_DIRECTORY, which may
 *   not be written by group or others; as the first, or 0440 of root:root,
 *   which is how an ACL for User= looks
 *
 * Nothing looser. On failure reterr_text (cap >= 1) names the file and says
 * what to do: TS_E_INVALID for a file that is refused, else what the system
 * said.
 */
struct key_source {
    int dir_fd; /* of relative paths; AT_FDCWD */
    /* The credentials' folder itself, for a process that was only given that;
     * then credentials is not looked at. */
    bool has_credentials_fd;
    int credentials_fd;      /* borrowed */
    const char *where;       /* PATH or credential:NAME */
    const char *credentials; /* $CREDENTIALS_DIRECTORY; NULL when unset */
    uid_t owner;             /* the caller: geteuid() */
};

/* seed is written only on success; the caller wipes it. */
TS_NODISCARD ts_err key_source_seed(const struct key_source *s,
                                    uint8_t seed[TRUST_SEED_LEN],
                                    char *reterr_text, size_t reterr_cap);
TS_NODISCARD ts_err key_source_load(const struct key_source *s,
                                    struct trust_secret *ret, char *reterr_text,
                                    size_t reterr_cap);

/* Any secret from there, by the same rules: 1 to cap bytes, as they are. buf is
 * wiped on failure. */
TS_NODISCARD ts_err key_source_secret(const struct key_source *s, uint8_t *buf,
                                      size_t cap, size_t *ret_len,
                                      char *reterr_text, size_t reterr_cap);

#endif
