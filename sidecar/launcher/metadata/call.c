/* From registers to a request. */
#include "sidecar/launcher/metadata/call.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

/* How the arguments of a call lie in its registers. */
enum shape {
    ON_PATH,     /* path first */
    ON_LINK,     /* the same, a link at the end is meant itself */
    ON_FILE,     /* descriptor */
    ON_AT,       /* folder, path */
    ON_AT_FLAGS, /* folder, path, and flags in the last register */
    ON_THREAD
};

struct known {
    int nr;
    enum metadata_kind kind;
    enum shape shape;
    enum metadata_times form;
};

static const struct known list[] = {
#ifdef SYS_chmod
    {SYS_chmod, METADATA_MODE, ON_PATH, METADATA_TIMESPEC},
    {SYS_chown, METADATA_OWNER, ON_PATH, METADATA_TIMESPEC},
    {SYS_lchown, METADATA_OWNER, ON_LINK, METADATA_TIMESPEC},
    {SYS_utime, METADATA_TIMES, ON_PATH, METADATA_UTIMBUF},
    {SYS_utimes, METADATA_TIMES, ON_PATH, METADATA_TIMEVAL},
    {SYS_futimesat, METADATA_TIMES, ON_AT, METADATA_TIMEVAL},
#endif
    {SYS_fchmod, METADATA_MODE, ON_FILE, METADATA_TIMESPEC},
    {SYS_fchmodat, METADATA_MODE, ON_AT, METADATA_TIMESPEC},
    {SYS_fchmodat2, METADATA_MODE, ON_AT_FLAGS, METADATA_TIMESPEC},
    {SYS_fchown, METADATA_OWNER, ON_FILE, METADATA_TIMESPEC},
    {SYS_fchownat, METADATA_OWNER, ON_AT_FLAGS, METADATA_TIMESPEC},
    {SYS_utimensat, METADATA_TIMES, ON_AT_FLAGS, METADATA_TIMESPEC},
    {SYS_sched_setaffinity, METADATA_PROCESSORS, ON_THREAD, METADATA_TIMESPEC},
};
#define KNOWN (sizeof(list) / sizeof(list[0]))

const int metadata_calls[] = {
#ifdef SYS_chmod
    SYS_chmod,
    SYS_chown,
    SYS_lchown,
    SYS_utime,
    SYS_utimes,
    SYS_futimesat,
#endif
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchmodat2,
    SYS_fchown,
    SYS_fchownat,
    SYS_utimensat,
    SYS_sched_setaffinity,
    -1,
};
_Static_assert(sizeof(metadata_calls) / sizeof(metadata_calls[0]) == KNOWN + 1,
               "one number each");

static const struct known *find(int nr)
{
    for (size_t i = 0; i < KNOWN; i++) {
        if (list[i].nr == nr)
            return &list[i];
    }
    return NULL;
}

/* The kernel takes the lower half of a register for an int. */
static int as_int(uint64_t v)
{
    return (int)(uint32_t)v;
}

static int take_flags(uint64_t v, struct metadata_call *io)
{
    int flags = as_int(v);

    if ((flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0)
        return EINVAL;
    io->no_follow = (flags & AT_SYMLINK_NOFOLLOW) != 0;
    io->may_be_empty = (flags & AT_EMPTY_PATH) != 0;
    return 0;
}

/* a: the registers behind the file's. */
static void take_values(const struct known *k, const uint64_t *a,
                        struct metadata_call *io)
{
    switch (k->kind) {
    case METADATA_MODE:
        io->mode = (uint32_t)a[0] & 07777;
        break;
    case METADATA_OWNER:
        io->uid = (uint32_t)a[0];
        io->gid = (uint32_t)a[1];
        break;
    case METADATA_TIMES:
        io->times = a[0];
        io->form = k->form;
        break;
    case METADATA_PROCESSORS:
        break;
    }
}

static int take_file(const struct known *k, const uint64_t *a,
                     struct metadata_call *io)
{
    bool is_at = k->shape == ON_AT || k->shape == ON_AT_FLAGS;
    int behind = k->kind == METADATA_OWNER ? 2 : 1;

    io->has_path = k->shape != ON_FILE;
    io->no_follow = k->shape == ON_LINK;
    io->fd = k->shape == ON_FILE || is_at ? as_int(a[0]) : AT_FDCWD;
    io->path = !io->has_path ? 0 : a[is_at ? 1 : 0];
    take_values(k, a + (is_at ? 2 : 1), io);
    if (k->shape == ON_AT_FLAGS)
        return take_flags(a[2 + behind], io);
    return 0;
}

int metadata_decode(const struct seccomp_data *d, struct metadata_call *ret)
{
    const uint64_t a[6] = {d->args[0], d->args[1], d->args[2],
                           d->args[3], d->args[4], d->args[5]};
    const struct known *k = find(d->nr);
    struct metadata_call c = {.fd = AT_FDCWD};
    int err = 0;

    if (k == NULL)
        return ENOSYS;
    c.kind = k->kind;
    if (k->shape == ON_THREAD) {
        c.pid = as_int(a[0]);
        c.mask_len = (uint32_t)a[1];
        c.mask = a[2];
    } else if ((err = take_file(k, a, &c)) != 0) {
        return err;
    }
    /* utimensat and futimesat take a descriptor alone, too */
    if (c.kind == METADATA_TIMES && c.has_path && c.path == 0 &&
        c.fd != AT_FDCWD) {
        if (c.no_follow || c.may_be_empty)
            return EINVAL;
        c.has_path = false;
    }
    *ret = c;
    return 0;
}
