/* Files and variables that a session is opened with. */
#include "shim/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_str.h"
#include "proto/trust/delegation.h"
#include "proto/trust/key_source.h"

TS_PRINTF(2, 3)
static void explain(char *text, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, TIPSTAFF_MESSAGE_MAX, fmt, ap); /* cut is fine */
    va_end(ap);
}

static const char *from(const char *given, const char *variable)
{
    if (given == NULL)
        given = getenv(variable);
    return given != NULL && given[0] != '\0' ? given : NULL;
}

/* Reads a regular file of 1..max bytes into to; returns its length or 0. */
size_t credentials_file(const char *path, const char *what, uint8_t *to,
                        size_t max, char *text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    size_t got = 0;

    if (fd < 0) {
        explain(text, "%s %s: %s", what, path, strerror(errno));
        return 0;
    }
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        explain(text, "%s %s: not a regular file", what, path);
        ts_fd_close(&fd);
        return 0;
    }
    while (got < max) {
        ssize_t n = read(fd, to + got, max - got);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            explain(text, "%s %s: %s", what, path, strerror(errno));
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    ts_fd_close(&fd);
    if (got == max) {
        explain(text, "%s %s: larger than %zu bytes", what, path, max - 1);
        return 0;
    }
    if (got == 0)
        explain(text, "%s %s: empty or unreadable", what, path);
    return got;
}

static ts_err load_chain(const char *path, struct credentials *c, char *text)
{
    if (path == NULL) {
        explain(text, "no delegation: set TIPSTAFF_DELEGATION or --chain to "
                      "the chain file that tipstaff delegate wrote");
        return TS_E_NOT_FOUND;
    }
    c->chain = ts_mem_alloc(TS_CHAIN_MAX + 1);
    if (c->chain == NULL)
        return TS_E_NOMEM;
    c->chain_len =
        credentials_file(path, "delegation", c->chain, TS_CHAIN_MAX + 1, text);
    return c->chain_len > 0 ? TS_OK : TS_E_INVALID;
}

static ts_err load_key(const char *path, struct credentials *c, char *text)
{
    struct key_source from;

    if (path == NULL) {
        explain(text, "no key: set TIPSTAFF_KEY or --key to the seed file of "
                      "the delegation's last holder");
        return TS_E_NOT_FOUND;
    }
    from = (struct key_source){.dir_fd = AT_FDCWD,
                               .where = path,
                               .credentials =
                                   secure_getenv("CREDENTIALS_DIRECTORY"),
                               .owner = geteuid()};
    return key_source_load(&from, &c->holder, text, TIPSTAFF_MESSAGE_MAX);
}

ts_err credentials_key(const char *path, struct trust_secret *ret, char *text)
{
    struct credentials c = {0};
    ts_err e = load_key(from(path, "TIPSTAFF_KEY"), &c, text);

    if (e == TS_OK)
        *ret = c.holder;
    return e;
}

ts_err credentials_public(const char *path, const char *what,
                          uint8_t ret[TRUST_PK_LEN], char *text)
{
    uint8_t line[2 * TRUST_PK_LEN + 2], pk[TRUST_PK_LEN];
    size_t n = credentials_file(path, what, line, sizeof(line), text);

    if (n == 0)
        return TS_E_INVALID;
    if (line[n - 1] == '\n')
        n--;
    if (ts_hex_decode((const char *)line, n, pk, TRUST_PK_LEN) != TS_OK ||
        trust_pk_check(pk) != TS_OK) {
        explain(text,
                "%s %s: not one line of %d hex digits that is an Ed25519 "
                "public key",
                what, path, 2 * TRUST_PK_LEN);
        return TS_E_FORMAT;
    }
    memcpy(ret, pk, TRUST_PK_LEN);
    return TS_OK;
}

static ts_err load_pin(const char *path, struct credentials *c, char *text)
{
    ts_err e;

    if (path == NULL)
        return TS_OK;
    e = credentials_public(path, "sidecar key", c->sidecar_pk, text);
    c->pinned = e == TS_OK;
    return e;
}

/* A statement that was named must be there; one beside the chain may be. */
static ts_err load_origin(const char *path, const char *chain,
                          struct credentials *c, char *text)
{
    char beside[PATH_MAX];
    int n;

    if (path == NULL) {
        n = snprintf(beside, sizeof(beside), "%s.origin", chain);
        if (n < 0 || (size_t)n >= sizeof(beside) || access(beside, F_OK) != 0)
            return TS_OK;
        path = beside;
    }
    c->origin = ts_mem_alloc(TS_ORIGIN_MAX + 1);
    if (c->origin == NULL)
        return TS_E_NOMEM;
    c->origin_len =
        credentials_file(path, "origin", c->origin, TS_ORIGIN_MAX + 1, text);
    return c->origin_len > 0 ? TS_OK : TS_E_INVALID;
}

/* Anything but 0 and 1 is refused: a misspelt yes must not mean no. */
static ts_err load_signing(bool given, struct credentials *c, char *text)
{
    const char *v = from(NULL, "TIPSTAFF_SIGN_CALLS");

    if (v != NULL && strcmp(v, "0") != 0 && strcmp(v, "1") != 0) {
        explain(text, "TIPSTAFF_SIGN_CALLS: neither 0 nor 1");
        return TS_E_INVALID;
    }
    c->sign_calls = given || (v != NULL && v[0] == '1');
    return TS_OK;
}

/* The sidecar verifies the chain; here only: does this key belong to it? */
static ts_err match_key(struct credentials *c, const char *chain_path,
                        const char *key_path, char *text)
{
    struct delegation d;
    struct ts_arena arena;
    enum trust_code code;
    bool same = false;

    ts_arena_init(&arena, (size_t)8 * TS_CHAIN_MAX);
    code = delegation_decode_to_show(c->chain, c->chain_len, NULL, &arena, &d);
    if (code == TRUST_OK) {
        same = memcmp(delegation_leaf(&d)->holder, c->holder.pk,
                      TRUST_PK_LEN) == 0; /* public keys */
        c->is_root = d.block_count == 1;
        memcpy(c->grant_id, d.grant_id, sizeof(c->grant_id));
    }
    ts_arena_done(&arena);
    if (code != TRUST_OK) {
        explain(text, "delegation %s: not a delegation chain", chain_path);
        return TS_E_FORMAT;
    }
    if (!same)
        explain(text, "key %s is not the key of the last holder in %s",
                key_path, chain_path);
    return same ? TS_OK : TS_E_AUTH;
}

ts_err credentials_load(const struct tipstaff_config *config,
                        struct credentials *ret, char *reterr_text)
{
    const char *chain = from(config->chain, "TIPSTAFF_DELEGATION");
    const char *key = from(config->key, "TIPSTAFF_KEY");
    struct credentials c = {.socket = from(config->socket, "TIPSTAFF_SOCKET")};
    ts_err e;

    if (c.socket == NULL)
        c.socket = TIPSTAFF_SOCKET_DEFAULT;
    e = trust_init();
    if (e != TS_OK)
        explain(reterr_text, "this libsodium must not be used: its self-test "
                             "failed");
    if (e == TS_OK)
        e = load_chain(chain, &c, reterr_text);
    if (e == TS_OK)
        e = load_key(key, &c, reterr_text);
    if (e == TS_OK)
        e = match_key(&c, chain, key, reterr_text);
    if (e == TS_OK)
        e = load_pin(from(config->sidecar_key, "TIPSTAFF_SIDECAR_KEY"), &c,
                     reterr_text);
    if (e == TS_OK)
        e = load_signing(config->sign_calls, &c, reterr_text);
    if (e == TS_OK)
        e = load_origin(from(config->origin, "TIPSTAFF_ORIGIN"), chain, &c,
                        reterr_text);
    if (e != TS_OK) {
        credentials_done(&c);
        return e;
    }
    *ret = c;
    return TS_OK;
}

void credentials_done(struct credentials *c)
{
    trust_secret_done(&c->holder);
    ts_mem_free(c->chain);
    ts_mem_free(c->origin);
    *c = (struct credentials){.chain = NULL};
}
