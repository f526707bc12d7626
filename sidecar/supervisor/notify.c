#include "sidecar/supervisor/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "proto/base/ts_fd.h"

#define MESSAGE_MAX 1024

/* Half of the time that the service manager waits; 0 when it does not. */
static uint64_t watchdog_interval(const char *usec, const char *pid, pid_t self)
{
    char own[16];
    uint64_t v = 0;

    if (usec == NULL)
        return 0;
    (void)snprintf(own, sizeof(own), "%d", (int)self);
    if (pid != NULL && strcmp(pid, own) != 0)
        return 0; /* meant for another process */
    for (size_t i = 0; usec[i] != '\0'; i++) {
        if (usec[i] < '0' || usec[i] > '9' || i > 15)
            return 0;
        v = v * 10 + (uint64_t)(usec[i] - '0');
    }
    return v == 0 ? 0 : (v < 2000 ? 1 : v / 2000);
}

ts_err notify_open(const char *address, const char *watchdog_usec,
                   const char *watchdog_pid, pid_t self, struct notify *ret)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct notify n = {.sock = -1};
    size_t len = address == NULL ? 0 : strlen(address);
    socklen_t size;

    if (address != NULL) {
        if ((address[0] != '/' && address[0] != '@') || len < 2 ||
            len >= sizeof(a.sun_path))
            return TS_E_INVALID;
        memcpy(a.sun_path, address, len);
        if (a.sun_path[0] == '@')
            a.sun_path[0] = '\0'; /* an abstract name */
        size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
        n.sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (n.sock < 0)
            return ts_err_from_errno(errno);
        if (connect(n.sock, (const struct sockaddr *)&a, size) != 0) {
            ts_err e = ts_err_from_errno(errno);

            ts_fd_close(&n.sock);
            return e;
        }
        n.watchdog_ms = watchdog_interval(watchdog_usec, watchdog_pid, self);
    }
    *ret = n;
    return TS_OK;
}

void notify_done(struct notify *n)
{
    ts_fd_close(&n->sock);
}

void notify_send(const struct notify *n, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    va_list ap;
    int len;

    if (n->sock < 0)
        return;
    va_start(ap, fmt);
    len = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (len < 0)
        return;
    if ((size_t)len >= sizeof(text))
        len = (int)sizeof(text) - 1;
    (void)send(n->sock, text, (size_t)len, MSG_NOSIGNAL); /* see the header */
}
