/* Finds a seed's file, and looks at everything that could let others at it. */
#include "proto/trust/key_source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"

#define CREDENTIAL "credential:"
#define DATA_LINK  "..data"
#define SWAP_TRIES 3   /* the kubelet may exchange ..data meanwhile */
#define GROUPS_MAX 256 /* of this process */
#define MODE_BITS  07777u
#define MODE_WIDER 07177u /* anything but read and write of the owner */
#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

enum place {
    PLACE_PLAIN,
    PLACE_CREDENTIAL,
    PLACE_SECRET_VOLUME
};

struct search {
    const struct key_source *from;
    bool is_seed; /* 32 bytes of a key; else any secret */
    enum place place;
    char *text;
    size_t cap;
};

TS_PRINTF(3, 4)
static ts_err refuse(const struct search *s, ts_err e, const char *fmt, ...)
{
    va_list ap;
    int n = snprintf(s->text, s->cap, "%s: ", s->from->where);

    if (n >= 0 && (size_t)n < s->cap) {
        va_start(ap, fmt);
        (void)vsnprintf(s->text + n, s->cap - (size_t)n, fmt, ap);
        va_end(ap); /* cut off is fine for a sentence */
    }
    return e == TS_OK ? TS_E_SYSTEM : e;
}

static ts_err refuse_errno(const struct search *s, const char *what)
{
    int err = errno;

    return refuse(s, ts_err_from_errno(err), "%s%s%s", what, strerror(err),
                  err == ENOENT && s->is_seed
                      ? "; make one with `tipstaff key new`"
                      : "");
}

/* True if the link leads to want (or, with want NULL, to one name that begins
 * with two dots) and is root's. */
static bool link_is(int dir, const char *name, const char *want,
                    char target[NAME_MAX + 8])
{
    struct stat st;
    ssize_t n = readlinkat(dir, name, target, NAME_MAX + 7);

    if (n <= 0 || n >= NAME_MAX + 7)
        return false;
    target[n] = '\0';
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_uid != 0 ||
        !S_ISLNK(st.st_mode))
        return false;
    if (want != NULL)
        return strcmp(target, want) == 0;
    return n > 2 && strncmp(target, "..", 2) == 0 &&
           strchr(target, '/') == NULL;
}

/* -1 with errno ELOOP: links that no kubelet makes. */
static int open_in_volume(int dir, const char *name)
{
    char want[NAME_MAX + 8], target[NAME_MAX + 8];
    int n = snprintf(want, sizeof(want), "%s/%s", DATA_LINK, name);

    for (int i = 0; n > 0 && (size_t)n < sizeof(want) && i < SWAP_TRIES; i++) {
        int data TS_CLEANUP(ts_fd_close) = -1;
        int fd;

        if (!link_is(dir, name, want, target) ||
            !link_is(dir, DATA_LINK, NULL, target))
            break;
        data =
            openat(dir, target, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        fd = data < 0 ? -1 : openat(data, name, OPEN_FLAGS);
        if (fd >= 0 || errno != ENOENT)
            return fd;
    }
    errno = ELOOP;
    return -1;
}

static ts_err open_path(struct search *s, int *ret)
{
    const char *where = s->from->where, *slash = strrchr(where, '/');
    char dir_name[PATH_MAX] = ".";
    int dir TS_CLEANUP(ts_fd_close) = -1;

    if (slash != NULL) {
        size_t len = slash == where ? 1 : (size_t)(slash - where);

        if (len >= sizeof(dir_name))
            return refuse(s, TS_E_LIMIT, "the path is too long");
        memcpy(dir_name, where, len);
        dir_name[len] = '\0';
        where = slash + 1;
    }
    dir = openat(s->from->dir_fd, dir_name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return refuse_errno(s, "");
    *ret = openat(dir, where, OPEN_FLAGS);
    if (*ret < 0 && errno == ELOOP) {
        s->place = PLACE_SECRET_VOLUME;
        *ret = open_in_volume(dir, where);
    }
    if (*ret < 0 && errno == ELOOP)
        return refuse(s, TS_E_INVALID,
                      "is a symbolic link, and not one of a Kubernetes secret "
                      "volume; name the file itself");
    return *ret < 0 ? refuse_errno(s, "") : TS_OK;
}

static ts_err open_credential(struct search *s, const char *name, int *ret)
{
    const char *dir_name = s->from->credentials;
    const char *file = s->is_seed ? "the.seed" : "the.secret";
    int dir TS_CLEANUP(ts_fd_close) = -1;
    struct stat st;

    s->place = PLACE_CREDENTIAL;
    if (s->from->has_credentials_fd)
        dir_name = "$CREDENTIALS_DIRECTORY";
    else if (dir_name == NULL || dir_name[0] != '/')
        return refuse(s, TS_E_NOT_FOUND,
                      "$CREDENTIALS_DIRECTORY is not set; give the unit "
                      "LoadCredential=%s:/path/of/%s",
                      name, file);
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return refuse(s, TS_E_INVALID,
                      "a credential's name is one file name that does not "
                      "begin with a dot");
    if (s->from->has_credentials_fd)
        dir = fcntl(s->from->credentials_fd, F_DUPFD_CLOEXEC, 3);
    else
        dir = open(dir_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0 || fstat(dir, &st) != 0)
        return refuse_errno(s, "$CREDENTIALS_DIRECTORY: ");
    if ((st.st_uid != 0 && st.st_uid != s->from->owner) ||
        (st.st_mode & 022) != 0)
        return refuse(s, TS_E_INVALID,
                      "%s belongs to uid %u with mode %04o, so others can put "
                      "files there; systemd makes it itself, from "
                      "LoadCredential=",
                      dir_name, (unsigned)st.st_uid,
                      (unsigned)(st.st_mode & MODE_BITS));
    *ret = openat(dir, name, OPEN_FLAGS);
    if (*ret < 0 && errno == ENOENT)
        return refuse(s, TS_E_NOT_FOUND,
                      "there is no such credential; give the unit "
                      "LoadCredential=%s:/path/of/%s",
                      name, file);
    if (*ret < 0 && errno == ELOOP)
        return refuse(s, TS_E_INVALID, "is a symbolic link");
    return *ret < 0 ? refuse_errno(s, "") : TS_OK;
}

static bool group_is_ours(gid_t group)
{
    gid_t list[GROUPS_MAX];
    int n = getgroups(GROUPS_MAX, list);

    for (int i = 0; i < n; i++) {
        if (list[i] == group)
            return true;
    }
    return getegid() == group;
}

/* Whether owner, group and mode keep it to whom it is for. */
static bool is_private(const struct search *s, const struct stat *st)
{
    unsigned mode = st->st_mode & MODE_BITS;

    if (s->place == PLACE_SECRET_VOLUME)
        return mode == 0400 || (mode == 0440 && group_is_ours(st->st_gid));
    if (s->place == PLACE_CREDENTIAL && mode == 0440 && st->st_uid == 0 &&
        st->st_gid == 0)
        return true;
    return (mode & MODE_WIDER) == 0;
}

static ts_err check(const struct search *s, int fd)
{
    struct stat st;
    bool volume = s->place == PLACE_SECRET_VOLUME;

    if (fstat(fd, &st) != 0)
        return refuse_errno(s, "");
    if (!S_ISREG(st.st_mode))
        return refuse(s, TS_E_INVALID,
                      "is not a regular file; put the %s there",
                      s->is_seed ? "32-byte seed" : "secret");
    if (st.st_uid != 0 && (volume || st.st_uid != s->from->owner))
        return refuse(s, TS_E_INVALID,
                      "belongs to uid %u, not to root%s; chown it",
                      (unsigned)st.st_uid, volume ? "" : " or the caller");
    if (!is_private(s, &st))
        return refuse(s, TS_E_INVALID,
                      "mode %04o with group %u lets others at a secret%s; "
                      "%s, and replace it if anyone may have read it",
                      (unsigned)(st.st_mode & MODE_BITS), (unsigned)st.st_gid,
                      s->is_seed ? " key" : "",
                      volume ? "set defaultMode: 0400 on the secret volume and "
                               "fsGroup to a group of this container"
                             : "chmod 0400 it");
    if (s->is_seed && st.st_size != TRUST_SEED_LEN)
        return refuse(s, TS_E_INVALID,
                      "%lld bytes, but a seed has exactly %d (a stored key "
                      "pair is not accepted); make one with `tipstaff key new`",
                      (long long)st.st_size, TRUST_SEED_LEN);
    return TS_OK;
}

static ts_err read_seed(const struct search *s, int fd,
                        uint8_t seed[TRUST_SEED_LEN])
{
    uint8_t buf[TRUST_SEED_LEN + 1]; /* one more: it may have grown */
    size_t got = 0;
    ts_err e = ts_fd_read_all(fd, buf, sizeof(buf), &got);

    if (e != TS_OK)
        e = refuse_errno(s, "cannot be read: ");
    else if (got != TRUST_SEED_LEN)
        e = refuse(s, TS_E_INVALID, "changed while it was read; try again");
    if (e == TS_OK)
        memcpy(seed, buf, TRUST_SEED_LEN);
    sodium_memzero(buf, sizeof(buf));
    return e;
}

static ts_err open_source(struct search *s, int *ret)
{
    size_t prefix = strlen(CREDENTIAL);
    ts_err e;

    if (strncmp(s->from->where, CREDENTIAL, prefix) == 0)
        e = open_credential(s, s->from->where + prefix, ret);
    else
        e = open_path(s, ret);
    return e == TS_OK ? check(s, *ret) : e;
}

ts_err key_source_seed(const struct key_source *from,
                       uint8_t seed[TRUST_SEED_LEN], char *reterr_text,
                       size_t reterr_cap)
{
    struct search s = {
        .from = from, .is_seed = true, .text = reterr_text, .cap = reterr_cap};
    int fd TS_CLEANUP(ts_fd_close) = -1;
    ts_err e = open_source(&s, &fd);

    return e == TS_OK ? read_seed(&s, fd, seed) : e;
}

/* Straight into the caller's memory, which may be locked: no copy is made. */
ts_err key_source_secret(const struct key_source *from, uint8_t *buf,
                         size_t cap, size_t *ret_len, char *reterr_text,
                         size_t reterr_cap)
{
    struct search s = {.from = from, .text = reterr_text, .cap = reterr_cap};
    int fd TS_CLEANUP(ts_fd_close) = -1;
    ts_err e = open_source(&s, &fd);
    size_t got = 0, more = 0;
    uint8_t beyond;

    if (e == TS_OK && ((e = ts_fd_read_all(fd, buf, cap, &got)) != TS_OK ||
                       (e = ts_fd_read_all(fd, &beyond, 1, &more)) != TS_OK))
        e = refuse_errno(&s, "cannot be read: ");
    else if (e == TS_OK && (got == 0 || more > 0))
        e = refuse(&s, TS_E_INVALID, "has %s bytes; a secret has 1 to %zu",
                   got == 0 ? "no" : "more", cap);
    if (e == TS_OK)
        *ret_len = got;
    else
        sodium_memzero(buf, cap);
    return e;
}
