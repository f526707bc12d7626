#ifndef SIDECAR_SUPERVISOR_SOCKETS_H
#define SIDECAR_SUPERVISOR_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/supervisor/config.h"

/*
 * The three listening sockets: RUN_DIR/agent/agent.sock,
 * RUN_DIR/admin/admin.sock and RUN_DIR/admin/log.sock, or the same handed over
 * by the service manager (LISTEN_FDS, named agent, admin, log: all three or
 * none).
 *
 * Ours are bound under another name and only take theirs, by rename, in
 * sockets_publish(): whoever finds the path finds a service that answers.
 */
enum sockets_index {
    SOCKET_AGENT = 0,
    SOCKET_ADMIN,
    SOCKET_LOG,
    SOCKETS_
};

#define SOCKET_PATH_MAX 107 /* bytes; sun_path without its NUL */

struct sockets {
    int fd[SOCKETS_]; /* owned, listening; -1 */
    char path[SOCKETS_][SOCKET_PATH_MAX + 1];
    bool inherited; /* the service manager's: never unlinked */
    bool published;
    bool bound[SOCKETS_]; /* under its temporary or its final name */
};

void sockets_init(struct sockets *s);
/*
 * Binds or takes over. listen_pid, listen_fds and listen_names are the values
 * of the three environment variables, NULL when unset; self is our pid.
 * first_fd is 3 outside of tests.
 */
struct sockets_listen {
    const char *pid, *fds, *names;
    pid_t self;
    int first_fd;
};
TS_NODISCARD ts_err sockets_open(struct sockets *s, const struct config *c,
                                 const struct sockets_listen *from,
                                 char *reterr_text, size_t reterr_cap);
TS_NODISCARD ts_err sockets_publish(struct sockets *s, char *reterr_text,
                                    size_t reterr_cap);
/* Takes one name away, so that nobody new comes. */
void sockets_hide(struct sockets *s, enum sockets_index which);
void sockets_done(struct sockets *s); /* hides all and closes */

#endif
