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

bool cli_read(const char *path, size_t max, struct ts_arena *arena,
              struct ts_bytes *ret)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    bool ok = false;
    size_t n = 0;
    void *p;

    if (fd < 0) {
        cli_error("%s: %s", path, strerror(errno));
        return false;
    }
    if (ts_arena_alloc(arena, max + 1, &p) != TS_OK)
        cli_error("%s: out of memory", path);
    else if (ts_fd_read_all(fd, p, max + 1, &n) != TS_OK)
        cli_error("%s: %s", path, strerror(errno));
    else if (n > max)
        cli_error("%s: more than %zu bytes", path, max);
    else
        ok = true;
    if (!is_stdin)
        ts_fd_close(&fd);
    if (ok)
        *ret = (struct ts_bytes){.ptr = p, .len = n};
    return ok;
}

json_t *cli_read_json(const char *path)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    char shown[4 * JSON_ERROR_TEXT_LENGTH];
    json_error_t e = {.line = 0};
    json_t *root = NULL;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0) {
        cli_error("%s: %s", path, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) { /* to jansson an empty file */
        cli_error("%s: %s", path, strerror(EISDIR));
    } else {
        root = json_loadfd(fd, JSON_REJECT_DUPLICATES, &e);
        if (root == NULL) { /* which quotes the file */
            (void)ts_str_show(shown, sizeof(shown), e.text, strlen(e.text));
            cli_error("%s:%d:%d: not JSON: %s", path, e.line, e.column, shown);
        }
    }
    if (!is_stdin && fd >= 0)
        ts_fd_close(&fd);
    return root;
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
    if (ts_fd_write_all(fd, p, len) != TS_OK || fchmod(fd, mode) != 0 ||
        fsync(fd) != 0) {
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
    size_t n;
    ts_err e;
    int fd;

    if (!parse_public(text, strlen(text), pk)) {
        fd = open(text, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            cli_error("%s: %s is neither 64 hex digits nor a readable file "
                      "(%s)",
                      what, text, strerror(errno));
            return false;
        }
        e = ts_fd_read_all(fd, line, sizeof(line), &n);
        ts_fd_close(&fd);
        if (e != TS_OK || !parse_public(line, n, pk)) {
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
