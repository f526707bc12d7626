#ifndef SIDECAR_COMMON_FDS_H
#define SIDECAR_COMMON_FDS_H

/*
 * The descriptors that the supervisor hands to each process, by number. A
 * process owns exactly these (and 0 to 2: /dev/null, and stderr for the log)
 * and checks at start that it has no other. Numbers are fixed: where this
 * service has no such thing (marked FD_ABSENT) the number is /dev/null.
 */
enum {
    FD_CONTROL = 3
}; /* SOCK_SEQPACKET to the supervisor, every process */

enum gate_fd {
    GATE_FD_AGENT = 4,    /* listening, SOCK_STREAM */
    GATE_FD_ADMIN = 5,    /* listening, SOCK_STREAM */
    GATE_FD_RING = 6,     /* memfd */
    GATE_FD_WAKE = 7,     /* eventfd, to the recorder */
    GATE_FD_KEY = 8,      /* read end of a pipe: the sidecar's 32-byte seed, and
                             with has_token_key the token seed; nothing else */
    GATE_FD_BROKER = 9,   /* SOCK_SEQPACKET to the broker; FD_ABSENT */
    GATE_FD_LAUNCHER = 10 /* SOCK_SEQPACKET from launcher 0; 11, .. */
};
enum recorder_fd {
    RECORDER_FD_RING = 4,
    RECORDER_FD_WAKE = 5,
    RECORDER_FD_LOG = 6,     /* directory of log segments */
    RECORDER_FD_STATE = 7,   /* directory of the journal */
    RECORDER_FD_TAIL = 8,    /* listening, log.sock */
    RECORDER_FD_LAUNCHER = 9 /* SOCK_SEQPACKET to launcher 0, then 10, ... */
};
enum launcher_fd {
    LAUNCHER_FD_RECORDER = 4, /* SOCK_SEQPACKET, orders come in */
    LAUNCHER_FD_GATE = 5,     /* SOCK_SEQPACKET, stdio goes back */
    LAUNCHER_FD_BROKER = 6,   /* SOCK_SEQPACKET to the broker; FD_ABSENT */
    LAUNCHER_FD_CGROUP = 7,   /* directory for our cgroups; FD_ABSENT */
    LAUNCHER_FD_SECRETS = 8,  /* directory of the service's credentials;
                                 FD_ABSENT */
    LAUNCHER_FD_CANARY = 9,   /* O_PATH of the canary: it may lie where only the
                                 service's own user may walk; FD_ABSENT */
    LAUNCHER_FD_LAST = LAUNCHER_FD_CANARY
};
enum broker_fd {
    BROKER_FD_GATE = 4,    /* SOCK_SEQPACKET */
    BROKER_FD_SECRETS = 5, /* directory of the service's credentials;
                              FD_ABSENT */
    BROKER_FD_LAUNCHER = 6 /* SOCK_SEQPACKET from launcher 0; 7, .. */
};
enum hook_fd {
    HOOK_FD_CHANNEL = 4 /* SOCK_STREAM to the gate */
};

#endif
