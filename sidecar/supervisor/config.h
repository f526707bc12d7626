#ifndef SIDECAR_SUPERVISOR_CONFIG_H
#define SIDECAR_SUPERVISOR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/wire/limits.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/log.h"

/*
 * tipstaff.yaml, checked. docs/CONFIG.md lists every key. Unknown keys, keys
 * given twice, values out of range and combinations that cannot work refuse to
 * load with "FILE:LINE: what; what to do".
 */
#define CONFIG_BYTES_MAX 65536
#define CONFIG_ERR_MAX   512 /* bytes of an error text */
#define CONFIG_ID_NONE   UINT32_MAX

struct config_socket {
    mode_t mode;     /* of the socket */
    mode_t dir_mode; /* of its directory */
    gid_t group;     /* CONFIG_ID_NONE: leave it */
};

struct config_user { /* whom a process runs as */
    uid_t uid;
    gid_t gid;
};

enum config_role { /* index of users */
    CONFIG_USER_GATE = 0,
    CONFIG_USER_RECORDER,
    CONFIG_USER_LAUNCHER,
    CONFIG_USER_BROKER, /* only with `egress:` */
    CONFIG_USER_HOOK,   /* only with `approvals: {on_pending: ..}` */
    CONFIG_USERS_
};

struct config { /* strings live in arena and end in NUL */
    struct ts_arena arena;
    struct ts_str text; /* the file, to see whether it changed */
    struct ts_str sidecar_id;
    struct ts_str audiences[TS_AUDIENCES_MAX];
    uint32_t audience_count;
    const char *key;       /* path, or credential:NAME */
    const char *token_key; /* the same; NULL: identity tokens are not signed */
    const char *run_dir, *state_dir, *log_dir;
    bool durability_sync;
    struct control_sandbox sandbox; /* cgroups: whether to try */
    struct {
        bool on;         /* there is a broker */
        const char *dns; /* as control_start has it; "" for resolv.conf's */
    } egress;
    struct {
        bool on;
        struct control_hook how;
    } hook; /* approvals: {on_pending: ..} */
    struct config_socket agent, admin;
    uint32_t admin_uids[CONTROL_UIDS_MAX];
    uint32_t admin_uid_count;
    /* Strictly ascending, as control_start wants them. */
    struct control_operator tenant_operators[CONTROL_OPERATORS_MAX];
    uint32_t tenant_operator_count;
    bool allow_root_agents, require_pidfd;
    uint64_t segment_bytes, reserve_bytes;
    uint32_t handshake_rate, handshake_burst;
    uint64_t grace_ms, start_ms;
    enum log_level log_level;
    bool change_users; /* users holds whom to become; otherwise stay */
    struct config_user users[CONFIG_USERS_];
};

/*
 * text is the file's content, name its name for messages, euid who we are.
 * Looks up user and group names in the system's database. On failure *ret is
 * untouched and reterr_text (CONFIG_ERR_MAX bytes) says why.
 */
TS_NODISCARD ts_err config_parse(struct ts_str text, const char *name,
                                 uid_t euid, struct config *ret,
                                 char *reterr_text);
/* Reads tipstaff.yaml of the directory. */
TS_NODISCARD ts_err config_load(int dir_fd, const char *file, uid_t euid,
                                struct config *ret, char *reterr_text);
void config_done(struct config *c);

#endif
