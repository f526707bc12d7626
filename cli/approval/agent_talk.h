#ifndef CLI_APPROVAL_AGENT_TALK_H
#define CLI_APPROVAL_AGENT_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

/*
 * Has the agent behind $SSH_AUTH_SOCK sign body, as ssh-keygen -Y sign -n
 * name_space would, with the key of pub_file, or, when that is NULL,
 * with the one key of a kind that fits. Waits a minute for a person to touch a
 * token or to answer the agent. Appends the SSHSIG blob, which has been
 * verified. Prints its error; false then.
 */
bool agent_sign(const char *name_space, const char *pub_file,
                struct ts_bytes body, struct ts_buf *out);

#endif
