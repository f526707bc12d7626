#ifndef CLI_REPLAY_CONFIG_H
#define CLI_REPLAY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/capability/text.h"
#include "cli/replay/shape.h"
#include "proto/base/ts_arena.h"
#include "proto/base/ts_str.h"
#include "proto/trust/keys.h"

/*
 * The configuration of a replay: one tenant with one user and one agent, the
 * tools of one suite, and policies as they are given. Made in memory; the gate
 * gets it as it gets any other.
 */
#define REPLAY_TENANT  "replay"
#define REPLAY_ISSUER  "replay-issuer"
#define REPLAY_USER    "user"
#define REPLAY_SECOND  "second" /* a person for what is not the user's own */
#define REPLAY_AGENT   "agent"
#define REPLAY_SIDECAR "sidecar/replay"
#define REPLAY_TTL_S   3600
/* Names and addresses of the user, as attributes "identity0" and so on. */
#define REPLAY_IDENTITY       "identity"
#define REPLAY_IDENTITIES_MAX 4

struct replay_keys { /* owned: replay_keys_done() */
    struct trust_secret issuer, directory, agent;
    struct trust_secret approver[2]; /* of the user, of the second person */
    uint8_t agent_seed[TRUST_SEED_LEN], sidecar_seed[TRUST_SEED_LEN];
};
bool replay_keys_make(struct replay_keys *ret);
void replay_keys_done(struct replay_keys *k);

struct replay_config {
    const struct shape *shape;
    const struct traces *traces;
    const struct replay_keys *keys;
    /* A tenant's folder of policies: hard/NAME.cedar, approval/NAME.cedar. */
    const char *policies;
    /* Nothing of provenance: no roles and labels in manifests, no names of the
     * user, and only the policies that do not ask for it. */
    bool is_plain;
};
/* A sealed memfd with all files (sidecar/common/bundle/bundle.h). -1: said why.
 */
int replay_bundle(const struct replay_config *c, struct ts_arena *arena);

struct bundle_file;
struct directory_snapshot;

/* The groups of actions that effects are. Policies name all of them: one that
 * no tool of a suite belongs to has a tool of its own that no record calls, or
 * nothing would be in it and the policies would not be valid. */
#define REPLAY_GROUPS   4
#define REPLAY_STAND_IN "tipstaff.nothing." /* and the group */
extern const char *const replay_groups[REPLAY_GROUPS];
bool replay_group_is_empty(const struct shape *s, const char *group);

/* The parts of it, appended. */
void replay_manifest(const struct shape_tool *tool, bool is_plain,
                     struct text *out);
void replay_selectors(const struct shape_tool *tool, struct text *out);
/* tools: the manifests, sorted by name. False: said why. */
bool replay_schema(const struct shape *s, const struct bundle_file *tools,
                   size_t count, const struct directory_snapshot *people,
                   struct text *out);
/* What of Cedar text asks nothing of provenance. False: said why. */
bool replay_plain_policies(const char *name, struct ts_str cedar,
                           struct text *out);

#endif
