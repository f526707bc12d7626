#ifndef CLI_FILES_H
#define CLI_FILES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

/* All print the error themselves and return false. */

/* Whole file, or standard input for "-"; max in bytes. */
bool cli_read(const char *path, size_t max, struct ts_arena *arena,
              struct ts_bytes *ret);

/* The JSON of a whole file, or of standard input for "-". What is wrong is told
 * with line and column; a name twice in one object is. NULL then, else the
 * caller's. */
json_t *cli_read_json(const char *path);

/* Creates path, which must not exist, with mode; whole or not at all. */
bool cli_write_new(const char *path, mode_t mode, const void *p, size_t len);

/* A public key: 64 hex digits, or the path of a NAME.pub file. */
bool cli_public_key(const char *what, const char *text,
                    uint8_t ret[TRUST_PK_LEN]);

/*
 * The running hash of a chain begins with the issuer's public key, which is not
 * on the wire. So that a chain can be handed on without asking for it, it is
 * noted beside the chain, in CHAIN.issuer: one line of hex, not secret and not
 * trusted (a wrong key makes the chain's signatures fail). Writing it is fine
 * when it says the same already.
 */
bool cli_issuer_note_write(const char *chain, const uint8_t pk[TRUST_PK_LEN]);
bool cli_issuer_note_read(const char *chain, uint8_t ret[TRUST_PK_LEN]);

/* A secret key from its seed file, as proto/trust/key_source.h says. */
bool cli_secret_key(const char *path, struct trust_secret *ret);

#endif
