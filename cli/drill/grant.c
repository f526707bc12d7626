/* The throw-away grant of one round. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/directory/installed.h"
#include "cli/drill/drill.h"
#include "cli/files.h"
#include "proto/base/ts_mem.h"
#include "proto/trust/delegation_build.h"

#define DRILL_TTL_S 300

bool drill_path(const struct drill *d, const char *name,
                char out[DRILL_PATH_CAP])
{
    int n = snprintf(out, DRILL_PATH_CAP, "%s/%s", d->dir, name);

    return n > 0 && n < DRILL_PATH_CAP;
}

static bool write_for_agent(const struct drill *d, const char *name,
                            const void *p, size_t len)
{
    char path[DRILL_PATH_CAP];

    if (!drill_path(d, name, path))
        return false;
    (void)unlink(path); /* of the round before */
    if (!cli_write_new(path, S_IRUSR, p, len))
        return false;
    if (!d->drop || lchown(path, d->uid, d->gid) == 0)
        return true;
    cli_error("%s cannot be given to uid %u", path, (unsigned)d->uid);
    return false;
}

/* permit for one action, and nothing else */
static bool write_policy(const struct drill *d, char *out, size_t cap)
{
    int n = snprintf(out, cap,
                     "permit (principal, action == Action::\"%s\", resource);",
                     d->opt->tool);

    if (strpbrk(d->opt->tool, "\"\\") == NULL && n > 0 && (size_t)n < cap)
        return true;
    cli_error("--tool: not the name of a tool");
    return false;
}

/* A root for the agent and a link for its sub-agent; room has twice
 * TS_CHAIN_MAX bytes, the chain is in its second half. */
static bool sign(const struct drill *d, uint64_t now, const uint8_t *leaf_pk,
                 uint8_t grant[16], uint8_t *room, size_t *ret_len)
{
    char policy[TS_TOOL_NAME_MAX + 128], name[TS_ID_MAX + 8];
    struct delegation_root root = {.tenant = d->tenant,
                                   .issuer = d->issuer,
                                   .user = d->user,
                                   .agent = d->agent,
                                   .aud = d->aud,
                                   .task = ts_str_of("drill"),
                                   .iat = now,
                                   .nbf = now,
                                   .exp = now + DRILL_TTL_S,
                                   .depth = 1};
    struct delegation_link link = {
        .iat = now, .nbf = now, .exp = now + DRILL_TTL_S};
    enum trust_code c;
    size_t n;

    if (!write_policy(d, policy, sizeof(policy)))
        return false;
    randombytes_buf(root.grant_id, sizeof(root.grant_id));
    memcpy(grant, root.grant_id, sizeof(root.grant_id));
    memcpy(root.holder, d->agent_key.pk, TRUST_PK_LEN);
    root.policies = link.policies = ts_str_of(policy);
    (void)snprintf(name, sizeof(name), "%.*s/drill", (int)d->agent.len,
                   d->agent.ptr);
    link.agent = ts_str_of(name);
    randombytes_buf(link.nonce, sizeof(link.nonce));
    memcpy(link.holder, leaf_pk, TRUST_PK_LEN);
    c = delegation_sign_root(&root, &d->issuer_key, room, TS_CHAIN_MAX, &n);
    if (c == TRUST_OK)
        c = delegation_append_link(room, n, &link, d->issuer_key.pk,
                                   &d->agent_key, room + TS_CHAIN_MAX,
                                   TS_CHAIN_MAX, ret_len);
    if (c != TRUST_OK)
        cli_error("the grant cannot be made: %s", trust_code_text(c));
    return c == TRUST_OK;
}

bool drill_grant(const struct drill *d, uint8_t ret_grant[16])
{
    uint8_t seed[TRUST_SEED_LEN], used[TRUST_SEED_LEN], *room;
    struct trust_secret leaf;
    uint64_t now;
    size_t len;
    bool ok;

    if (!dir_now(&now))
        return false;
    room = ts_mem_alloc((size_t)2 * TS_CHAIN_MAX);
    randombytes_buf(seed, sizeof(seed));
    memcpy(used, seed, sizeof(used));
    if (room == NULL || trust_secret_from_seed(used, &leaf) != TS_OK) {
        sodium_memzero(seed, sizeof(seed));
        sodium_memzero(used, sizeof(used));
        ts_mem_free(room);
        cli_error("out of memory");
        return false;
    }
    ok = sign(d, now, leaf.pk, ret_grant, room, &len) &&
         write_for_agent(d, "chain", room + TS_CHAIN_MAX, len) &&
         write_for_agent(d, "key", seed, sizeof(seed));
    trust_secret_done(&leaf);
    sodium_memzero(seed, sizeof(seed));
    ts_mem_free(room);
    return ok;
}
