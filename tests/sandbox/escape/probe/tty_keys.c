/* Terminals of others, and the kernel's key rings. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

static struct result ioctl_stdio(const struct probe *p)
{
    struct result r = stopped(ENOTTY);

    for (int fd = 0; fd < 3; fd++) {
        /* a NULL pointer: nothing is typed even where it is allowed */
        long rc = syscall(SYS_ioctl, fd, p->nr, NULL);

        if (rc >= 0 || (errno != ENOTTY && errno != EBADF && errno != ENOSYS &&
                        errno != EPERM && errno != EACCES && errno != EIO))
            return noted(allowed(), "the request was looked at");
        if (errno != EBADF)
            r.err = errno;
    }
    return r;
}

static struct result ioctl_tty(const struct probe *p)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return stopped(errno);
    return reached(syscall(SYS_ioctl, fd, p->nr, NULL));
}

static struct result stdio_is_tty(const struct probe *p)
{
    (void)p;
    for (int fd = 0; fd < 3; fd++)
        if (isatty(fd))
            return allowed();
    return stopped(ENOTTY);
}

/* A terminal of its own is a way to line disciplines (n_hdlc and others). */
static struct result line_discipline(const struct probe *p)
{
    int none = 13; /* N_HDLC */
    int fd = open("/dev/ptmx", O_RDWR | O_CLOEXEC | O_NOCTTY);

    (void)p;
    if (fd < 0)
        return stopped(errno);
    return reached(ioctl(fd, TIOCSETD, &none));
}

static struct result any_pts(const struct probe *p)
{
    char path[32];
    int last = ENOENT;

    (void)p;
    for (int i = 0; i < 64; i++) {
        (void)snprintf(path, sizeof(path), "/dev/pts/%d", i);
        if (open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) >= 0)
            return allowed();
        if (errno != ENOENT)
            last = errno;
    }
    return stopped(last);
}

static struct result find_key(const struct probe *p)
{
    char desc[64];

    (void)snprintf(desc, sizeof(desc), "escape-%s", fact('W'));
    return p->nr == SYS_add_key
               ? by(syscall(SYS_add_key, "user", desc, "x", 1, p->arg[0]))
               : reached(syscall(SYS_request_key, "user", desc, NULL, 0));
}

static const struct probe probes[] = {
    {"tty.sti",
     "type into the terminal of standard input (TIOCSTI)",
     ioctl_stdio,
     "",
     TIOCSTI,
     {0}},
    {"tty.sti_high_bits",
     "the same with bits above 32 (CVE-2019-7303)",
     ioctl_stdio,
     "",
     0x100000000 | TIOCSTI,
     {0}},
    {"tty.sti_sign",
     "the same with all bits above 32",
     ioctl_stdio,
     "",
     (long)(0xffffffff00000000ul | TIOCSTI),
     {0}},
    {"tty.sti_dev_tty", "type into /dev/tty", ioctl_tty, "", TIOCSTI, {0}},
    {"tty.linux",
     "paste on the console (TIOCLINUX)",
     ioctl_stdio,
     "",
     TIOCLINUX,
     {0}},
    {"tty.console",
     "redirect the console (TIOCCONS)",
     ioctl_stdio,
     "",
     TIOCCONS,
     {0}},
    {"tty.steal",
     "steal the controlling terminal (TIOCSCTTY)",
     ioctl_tty,
     "",
     TIOCSCTTY,
     {0}},
    {"tty.stdio",
     "standard input or output is a terminal",
     stdio_is_tty,
     "",
     0,
     {0}},
    {"tty.open", "open /dev/tty", open_path, "/dev/tty", O_RDWR, {0}},
    {"tty.open_console",
     "open /dev/console",
     open_path,
     "/dev/console",
     O_RDWR,
     {0}},
    {"tty.open_tty1", "open /dev/tty1", open_path, "/dev/tty1", O_RDWR, {0}},
    {"tty.ptmx",
     "make a terminal",
     open_path,
     "/dev/ptmx",
     O_RDWR | O_NOCTTY,
     {0}},
    {"tty.pts", "open another's terminal", any_pts, "", 0, {0}},
    {"tty.line_discipline",
     "change the line discipline",
     line_discipline,
     "",
     0,
     {0}},
    {"tty.vhangup", "hang the terminal up", call_reached, "", SYS_vhangup, {0}},
    {"keys.session",
     "the session's key ring",
     call_reached,
     "",
     SYS_keyctl,
     {KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0}},
    {"keys.user",
     "the user's key ring",
     call_reached,
     "",
     SYS_keyctl,
     {KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0}},
    {"keys.join",
     "a session ring of its own",
     call_reached,
     "",
     SYS_keyctl,
     {KEYCTL_JOIN_SESSION_KEYRING, 0}},
    {"keys.add",
     "add a key for the process",
     find_key,
     "",
     SYS_add_key,
     {KEY_SPEC_PROCESS_KEYRING}},
    {"keys.add_user",
     "add a key for the user",
     find_key,
     "",
     SYS_add_key,
     {KEY_SPEC_USER_KEYRING}},
    {"keys.request", "ask for a key", find_key, "", SYS_request_key, {0}},
    {"keys.list", "read /proc/keys", open_path, "/proc/keys", O_RDONLY, {0}},
    {"keys.persistent",
     "the persistent ring",
     call_reached,
     "",
     SYS_keyctl,
     {22 /* KEYCTL_GET_PERSISTENT */, -1, KEY_SPEC_PROCESS_KEYRING}},
};

const struct area area_tty_keys = {probes, sizeof(probes) / sizeof(probes[0])};
