#ifndef SIDECAR_LAUNCHER_LAYERS_PROBE_TRIES_H
#define SIDECAR_LAUNCHER_LAYERS_PROBE_TRIES_H

/* Each runs in a child of its own and may change that process as it likes. 0:
 * the layer works; else the errno that says why not (EPROTO: the call was
 * accepted but had no effect). */
int try_no_new_privs(void);
int try_seccomp(void);
int try_landlock(void);
int try_landlock_net(void);
int try_landlock_scope(void);
int try_rlimits(void);
int try_process_limit(void);
int try_fds_closed(void);
int try_clean_env(void);
int try_session(void);
int try_pdeathsig(void);
int try_subreaper(void);
int try_uid(void);
int try_cgroup(void);
/* probe_space.c */
int try_namespaces(void);
int try_net_ns(void);
int try_private_tmp(void);
int try_own_proc(void);
int try_keyring(void);
int try_no_wx(void);
int try_own_filter(void);
/* probe_metadata.c */
int try_metadata(void);

#endif
