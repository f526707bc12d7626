#ifndef SIDECAR_LAUNCHER_START_CAPS_H
#define SIDECAR_LAUNCHER_START_CAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/launcher/layers/filter.h"

/*
 * What a launcher may do beyond its user, and how little of it stands ready.
 *
 * The supervisor, where it is root, hands over CAPS_WANTED as ambient
 * capabilities of an ordinary user (supervisor/spawn.h); a container may hand
 * over any part of them. Without any, a user namespace that maps only the own
 * user is tried: inside it the launcher may make the other namespaces, and has
 * no more rights over the rest of the system than before. Everything beyond
 * CAPS_WANTED is dropped for good at start, and nothing passes an exec: ambient
 * and inheritable sets are emptied, so tools start with none whatever happens.
 *
 *   SETUID SETGID  a uid for each running tool
 *   KILL           signals to it
 *   SYS_ADMIN SYS_CHROOT  its namespaces and mounts
 *   NET_ADMIN      networks with loopback, for `network: proxy`
 *   DAC_OVERRIDE FOWNER  removing what it left in its scratch folder, opening a
 *                  credential or the canary where our user may not; permitted
 *                  always, effective only between caps_raise and caps_lower
 */
#define CAPS_BIT(cap) (1ull << (cap))

struct caps {
    uint64_t permitted;
    bool in_user_ns;
    bool uids;   /* processes of other users can be made and ended */
    bool spaces; /* namespaces can be made */
};

/* Before any thread exists and before confine_base(), which makes /proc/self
 * unwritable. Sets no_new_privs. use_user_ns: may try one. */
TS_NODISCARD ts_err caps_keep(bool use_user_ns, struct caps *ret);

/* For removing files of another user. Nothing happens where there is nothing
 * to raise. key: of the filter, or NULL before it is installed. */
void caps_raise(const struct caps *c, const struct filter_key *key);
void caps_lower(const struct caps *c, const struct filter_key *key);

/* Acts on files as the user `uid` until caps_act_as_self(): what then is opened
 * or made is so with that user's rights, and its own. */
TS_NODISCARD ts_err caps_act_as(const struct filter_key *key, uid_t uid,
                                int *reterr_errno);
TS_NODISCARD ts_err caps_act_as_self(const struct filter_key *key, uid_t uid);

/* For a child, between clone and exec: a negative errno, or 0. */
long caps_raise_raw(uint64_t permitted, const struct filter_key *key);
long caps_drop_all_raw(const struct filter_key *key);

#endif
