#ifndef PROTO_TRUST_SSHSIG_H
#define PROTO_TRUST_SSHSIG_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/code.h"
#include "proto/trust/keys.h"

/*
 * Signatures of ssh-keygen -Y sign and of ssh-agent (OpenSSH PROTOCOL.sshsig,
 * PROTOCOL.u2f): ssh-ed25519 and sk-ssh-ed25519@openssh.com (a token with a
 * touch). Only version 1, an empty reserved field and sha512; of a token the
 * user-presence flag must be set and the application begin with "ssh:".
 *
 *     blob = "SSHSIG" u32 version, str publickey, str namespace,
 *            str reserved, str hash_algorithm, str signature
 */
#define SSHSIG_MAX 1024u /* bytes of a blob */

struct sshsig {               /* borrows from the blob */
    uint8_t pk[TRUST_PK_LEN]; /* believe nothing of it: look it up */
    struct ts_str name_space;
    struct ts_str application; /* of a token; "" otherwise */
    uint8_t flags;             /* of a token */
    uint32_t counter;
    const uint8_t *sig; /* TRUST_SIG_LEN */
    bool is_token;
};
TS_NODISCARD enum trust_code sshsig_decode(struct ts_bytes blob,
                                           struct sshsig *ret);
/* pk: the key from the directory, not the blob's. TRUST_E_SIG otherwise. */
TS_NODISCARD enum trust_code sshsig_verify(const struct sshsig *s,
                                           const char *name_space,
                                           struct ts_bytes message,
                                           const uint8_t pk[TRUST_PK_LEN]);
/* "-----BEGIN SSH SIGNATURE-----" text to blob. */
TS_NODISCARD ts_err sshsig_dearmour(struct ts_str text, struct ts_buf *out);
/* What an ssh-agent is asked to sign, and a blob of what it answers. */
TS_NODISCARD ts_err sshsig_to_sign(const char *name_space,
                                   struct ts_bytes message, struct ts_buf *out);
TS_NODISCARD ts_err sshsig_of_agent(const char *name_space,
                                    struct ts_bytes public_key,
                                    struct ts_bytes signature,
                                    struct ts_buf *out);

#endif
