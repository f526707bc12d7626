#ifndef CLI_APPROVAL_SSH_AGENT_H
#define CLI_APPROVAL_SSH_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

/*
 * What is said to an ssh-agent (draft-ietf-sshm-ssh-agent): list the keys, sign
 * with one. Only ssh-ed25519 and sk-ssh-ed25519@openssh.com; other keys are
 * passed over. Pure; agent_talk.h has the socket. Both ends are bounded: an
 * agent that answers with more than SSH_AGENT_ANSWER_MAX bytes is not believed.
 */
#define SSH_AGENT_ANSWER_MAX 65536u /* bytes after the length */
#define SSH_AGENT_KEYS_MAX   256u   /* that an agent may list */
#define SSH_KEY_BLOB_MAX     512u   /* of the two kinds */

struct ssh_key { /* borrows from what was decoded */
    struct ts_bytes blob;
    uint8_t pk[TRUST_PK_LEN];
    bool is_token;
    struct ts_str comment; /* hostile */
};
/* A public key's blob; TS_E_FORMAT: malformed, or of another kind. */
TS_NODISCARD ts_err ssh_key_decode(struct ts_bytes blob, struct ssh_key *ret);
/* A line of a .pub file, "KIND BASE64 [comment]"; the blob goes to blob_out. */
TS_NODISCARD ts_err ssh_key_of_line(struct ts_str line, struct ts_buf *blob_out,
                                    struct ssh_key *ret);

/* Append a whole message, with its length. */
TS_NODISCARD ts_err ssh_agent_ask_keys(struct ts_buf *out);
TS_NODISCARD ts_err ssh_agent_ask_sign(struct ts_bytes blob,
                                       struct ts_bytes data,
                                       struct ts_buf *out);

/* Answers, without their length. TS_E_INVALID: the agent says no. visit() gets
 * each key of the two kinds, and stops the list with false. */
TS_NODISCARD ts_err ssh_agent_keys(struct ts_bytes answer,
                                   bool (*visit)(void *ctx,
                                                 const struct ssh_key *key),
                                   void *ctx);
/* *ret: the signature blob, as sshsig_of_agent() takes it. */
TS_NODISCARD ts_err ssh_agent_signature(struct ts_bytes answer,
                                        struct ts_bytes *ret);

#endif
