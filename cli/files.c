#include "cli/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "proto/base/ts_fd.h"
#include "proto/trust/key_source.h"

/* Reads up to cap bytes; -1 on error. */
static ssize_t read_all(int fd, uint8_t *p, size_t cap)
{
    size_t got = 0;

    while (got < cap) {
        ssize_t n = read(fd, p + got, cap - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

bool cli_read(const char *path, size_t max, struct ts_arena *arena,
              struct ts_bytes *ret)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    void *p;
    ssize_t n;

    if (fd < 0) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    if (ts_arena_alloc(arena, max + 1, &p) != TS_OK) {
        cli_error("%s: out of memory", path);
        n = -2;
    } else if ((n = read_all(fd, p, max + 1)) < 0) {
        cli_error("%s: %s", path, strerror(errno));
    } else if ((size_t)n > max) {
        cli_error("%s: more than %zu bytes", path, max);
        n = -2;
    }
    if (!is_stdin)
        ts_fd_close(&fd);
    if (n < 0)
        return false;
    *ret = (struct ts_bytes){.ptr = p, .len = (size_t)n};
    return true;
}

static bool write_all(int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

bool cli_write_new(const char *path, mode_t mode, const void *p, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                  mode & 0700);

    if (fd < 0 && errno == EEXIST) {
        cli_error("%s exists already; give another name or remove it first",
                  path);
        return false;
    }
    if (fd < 0) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    /* the mode last: a umask must not widen or narrow what was asked for */
    if (!write_all(fd, p, len) || fchmod(fd, mode) != 0 || fsync(fd) != 0) {
        cli_error("%s: %s", path, strerror(errno));
        (void)unlink(path); /* it is ours: O_EXCL made it */
        ts_fd_close(&fd);
        return false;
    }
    ts_fd_close(&fd);
    return true;
}

static bool parse_public(const char *s, size_t len, uint8_t *ret)
{
    while (len > 0 && (s[len - 1] == '\n' || s[len - 1] == '\r'))
        len--;
    return ts_hex_decode(s, len, ret, TRUST_PK_LEN) == TS_OK;
}

bool cli_public_key(const char *what, const char *text,
                    uint8_t ret[TRUST_PK_LEN])
{
    uint8_t pk[TRUST_PK_LEN];
    char line[2 * TRUST_PK_LEN + 3];
    ssize_t n;
    int fd;

    if (!parse_public(text, strlen(text), pk)) {
        fd = open(text, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            cli_error("%s: %s is neither 64 hex digits nor a readable file "
                      "(%s)",
                      what, text, strerror(errno));
            return false;
        }
        n = read_all(fd, (uint8_t *)line, sizeof(line));
        ts_fd_close(&fd);
        if (n < 0 || !parse_public(line, (size_t)n, pk)) {
            cli_error("%s: %s is not a public key file (one line of 64 hex "
                      "digits, as tipstaff key new writes NAME.pub)",
                      what, text);
            return false;
        }
    }
    if (trust_pk_check(pk) != TS_OK) {
        cli_error("%s: not a usable Ed25519 public key", what);
        return false;
    }
    memcpy(ret, pk, sizeof(pk));
    return true;
}

static bool note_path(char out[PATH_MAX], const char *chain)
{
    int n = snprintf(out, PATH_MAX, "%s.issuer", chain);

    if (n > 0 && n < PATH_MAX)
        return true;
    cli_error("%s: the name is too long", chain);
    return false;
}

bool cli_issuer_note_write(const char *chain, const uint8_t pk[TRUST_PK_LEN])
{
    char path[PATH_MAX], line[2 * TRUST_PK_LEN + 2];
    uint8_t old[TRUST_PK_LEN];

    if (!note_path(path, chain))
        return false;
    if (access(path, F_OK) == 0) {
        if (!cli_public_key("issuer note", path, old))
            return false;
        if (memcmp(old, pk, sizeof(old)) == 0)
            return true;
        cli_error("%s exists already and names another issuer; remove it",
                  path);
        return false;
    }
    ts_hex_encode(line, pk, TRUST_PK_LEN);
    line[(size_t)2 * TRUST_PK_LEN] = '\n';
    return cli_write_new(path, 0644, line, sizeof(line) - 1);
}

bool cli_issuer_note_read(const char *chain, uint8_t ret[TRUST_PK_LEN])
{
    char path[PATH_MAX];

    if (!note_path(path, chain))
        return false;
    if (access(path, R_OK) == 0)
        return cli_public_key("issuer note", path, ret);
    cli_error("%s: %s; give the key that signed the chain's root with "
              "--issuer-pub",
              path, strerror(errno));
    return false;
}

bool cli_secret_key(const char *path, struct trust_secret *ret)
{
    const struct key_source from = {.dir_fd = AT_FDCWD,
                                    .where = path,
                                    .credentials =
                                        getenv("CREDENTIALS_DIRECTORY"),
                                    .owner = geteuid()};
    char text[512];

    if (key_source_load(&from, ret, text, sizeof(text)) == TS_OK)
        return true;
    cli_error("%s", text);
    return false;
}
