#ifndef PROTO_TRUST_SSH_WIRE_H
#define PROTO_TRUST_SSH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

/*
 * SSH's encoding (RFC 4251, section 5), read: a string is its length, 4 bytes
 * big-endian, and its bytes. Sticky: after the first thing that does not fit,
 * all that is taken is empty and bad stays set. What is taken borrows from the
 * input.
 */
struct ssh_in {
    const uint8_t *at, *end;
    bool bad;
};
struct ssh_in ssh_in_of(struct ts_bytes b);
struct ts_bytes ssh_take(struct ssh_in *in, size_t n);
uint32_t ssh_take_u32(struct ssh_in *in);
struct ts_bytes ssh_take_string(struct ssh_in *in);
/* Nothing was bad, and nothing is left. */
bool ssh_in_is_done(const struct ssh_in *in);

bool ssh_bytes_are(struct ts_bytes b, const char *text);

/* The two kinds of key that can sign for a person: Ed25519 (RFC 8709), and the
 * same on a token (OpenSSH's PROTOCOL.u2f). */
#define SSH_KIND_PLAIN "ssh-ed25519"
#define SSH_KIND_TOKEN "sk-ssh-ed25519@openssh.com"

struct ssh_public_key { /* borrows from the blob */
    bool is_token;
    const uint8_t *pk;         /* TRUST_PK_LEN */
    struct ts_str application; /* of a token */
};
/* False: of no such kind, or not whole. */
bool ssh_public_key_read(struct ts_bytes blob, struct ssh_public_key *ret);

#endif
