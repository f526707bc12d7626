#include "sidecar/launcher/start/secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <sodium.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/trust/key_source.h"
#include "sidecar/common/tripwire/tripwire.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#define CREDENTIAL "credential:"
#define SEALS      (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

_Static_assert(MANIFEST_SECRET_MAX <= 4096, "the least that a pipe holds");
_Static_assert(MANIFEST_SECRET_MIN >= TRIPWIRE_SECRET_MIN &&
                   MANIFEST_SECRET_MAX <= TRIPWIRE_SECRET_MAX,
               "each can be recognised");

struct secret {
    size_t len;
    uint8_t bytes[MANIFEST_SECRET_MAX];
};

struct secrets {
    struct ts_buf tripwires;
    uint32_t count;
    enum secret_delivery delivery[MANIFEST_SECRETS_MAX];
    struct secret *list; /* locked, unreadable but while it is used */
};

static bool is_given(const struct manifest_secret *s)
{
    return s->delivery == SECRET_PIPE || s->delivery == SECRET_MEMFD;
}

static uint32_t count_given(const struct manifest *m)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < m->secret_count; i++)
        n += is_given(&m->secrets[i]);
    return n;
}

/* Programs print a secret without the newline that ends its file. */
static size_t without_newline(const struct secret *s)
{
    size_t n = s->len;

    while (n > 0 && (s->bytes[n - 1] == '\n' || s->bytes[n - 1] == '\r'))
        n--;
    return n;
}

static ts_err read_one(const struct manifest_secret *m,
                       const struct secrets_source *from, struct secret *ret,
                       char *text, size_t cap)
{
    bool is_credential = m->source == SECRET_CREDENTIAL;
    char where[sizeof(CREDENTIAL) + 4096];
    const struct key_source s = {.dir_fd = AT_FDCWD,
                                 .has_credentials_fd =
                                     from->credentials_fd >= 0,
                                 .credentials_fd = from->credentials_fd,
                                 .where = where,
                                 .owner = from->owner};
    int n = snprintf(where, sizeof(where), "%s%.*s",
                     is_credential ? CREDENTIAL : "", (int)m->from.len,
                     m->from.ptr);
    ts_err e;

    if (n < 0 || (size_t)n >= sizeof(where)) {
        (void)snprintf(text, cap, "its name is too long");
        return TS_E_LIMIT;
    }
    if (is_credential && from->raise != NULL)
        from->raise(from->arg, true);
    e = key_source_secret(&s, ret->bytes, sizeof(ret->bytes), &ret->len, text,
                          cap);
    if (is_credential && from->raise != NULL)
        from->raise(from->arg, false);
    if (e == TS_OK && without_newline(ret) < MANIFEST_SECRET_MIN) {
        (void)snprintf(text, cap,
                       "%s: a secret of fewer than %d bytes cannot be "
                       "recognised in a tool's output; use a longer one",
                       where, MANIFEST_SECRET_MIN);
        e = TS_E_INVALID;
    }
    return e;
}

static ts_err read_all(const struct manifest *m,
                       const struct secrets_source *from, struct secrets *s,
                       uint32_t *reterr_index, char *text, size_t cap)
{
    for (uint32_t i = 0; i < m->secret_count; i++) {
        struct secret *one = &s->list[s->count];
        ts_err e;

        if (!is_given(&m->secrets[i]))
            continue;
        *reterr_index = i;
        e = read_one(&m->secrets[i], from, one, text, cap);
        if (e != TS_OK)
            return e;
        e = tripwires_add(&s->tripwires, one->bytes, without_newline(one));
        if (e != TS_OK) {
            (void)snprintf(text, cap, "tripwires: %s", ts_err_text(e));
            return e;
        }
        s->delivery[s->count++] = m->secrets[i].delivery;
    }
    return TS_OK;
}

ts_err secrets_load(const struct manifest *m, const struct secrets_source *from,
                    struct secrets **ret, uint32_t *reterr_index,
                    char *reterr_text, size_t reterr_cap)
{
    uint32_t count = count_given(m);
    size_t bytes = count * sizeof(struct secret);
    struct secrets *s;
    ts_err e = TS_OK;

    *reterr_index = 0;
    if (count == 0) {
        *ret = NULL;
        return TS_OK;
    }
    (void)snprintf(reterr_text, reterr_cap, "out of memory");
    if ((s = ts_mem_alloc(sizeof(*s))) == NULL)
        return TS_E_NOMEM;
    ts_buf_init(&s->tripwires, TS_TRIPWIRES_MAX);
    s->list = sodium_malloc(bytes);
    /* sodium_malloc(3) goes on without the lock; a secret may not be paged */
    if (s->list == NULL || sodium_mlock(s->list, bytes) != 0) {
        (void)snprintf(reterr_text, reterr_cap,
                       "no locked memory for secrets; raise RLIMIT_MEMLOCK "
                       "(LimitMEMLOCK=) of the service");
        e = TS_E_NOMEM;
    }
    if (e == TS_OK && (e = tripwires_begin(&s->tripwires)) == TS_OK)
        e = read_all(m, from, s, reterr_index, reterr_text, reterr_cap);
    if (e != TS_OK) {
        secrets_free(s);
        return e;
    }
    (void)sodium_mprotect_readonly(s->list); /* against our own mistakes */
    *ret = s;
    return TS_OK;
}

void secrets_free(struct secrets *s)
{
    if (s == NULL)
        return;
    sodium_free(s->list); /* wipes and unlocks */
    ts_buf_done(&s->tripwires);
    ts_mem_free(s);
}

ts_err secrets_tripwires(const struct secrets *s, struct ts_str token,
                         struct ts_buf *ret)
{
    ts_err e = TS_OK;

    if (s != NULL)
        e = ts_buf_append(ret, ts_buf_bytes(&s->tripwires), s->tripwires.len);
    else if (token.len > 0)
        e = tripwires_begin(ret);
    if (e == TS_OK && token.len > 0)
        e = tripwires_add(ret, (const uint8_t *)token.ptr, token.len);
    return e;
}

ts_err secrets_pipe(const uint8_t *bytes, size_t len, int *ret_fd,
                    int *reterr_errno)
{
    bool written;
    int p[2];

    if (pipe2(p, O_CLOEXEC) != 0) {
        *reterr_errno = errno;
        return TS_E_SYSTEM;
    }
    written = write(p[1], bytes, len) == (ssize_t)len;
    ts_fd_close(&p[1]);
    if (!written) {
        *reterr_errno = EIO;
        ts_fd_close(&p[0]);
        return TS_E_SYSTEM;
    }
    *ret_fd = p[0];
    return TS_OK;
}

/* One for each call: whoever shares it shares its position, too. */
static ts_err make_memfd(const struct secret *s, const struct filter_key *key,
                         int *ret_fd, int *reterr_errno)
{
    static const char name[] = "secret";
    long fd =
        filter_call4(key, SYS_memfd_create, raw_ptr(name),
                     MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL, 0, 0);
    int own;

    if (fd == -EINVAL) /* before 6.3 */
        fd = filter_call4(key, SYS_memfd_create, raw_ptr(name),
                          MFD_CLOEXEC | MFD_ALLOW_SEALING, 0, 0);
    if (fd < 0) {
        *reterr_errno = (int)-fd;
        return TS_E_SYSTEM;
    }
    own = (int)fd;
    if (pwrite(own, s->bytes, s->len, 0) != (ssize_t)s->len ||
        fcntl(own, F_ADD_SEALS, SEALS) != 0) {
        *reterr_errno = errno;
        ts_fd_close(&own);
        return TS_E_SYSTEM;
    }
    *ret_fd = own;
    return TS_OK;
}

ts_err secrets_give(const struct secrets *s, const struct filter_key *key,
                    struct child_given given[CHILD_GIVEN_MAX], uint32_t *count,
                    int *reterr_errno)
{
    uint32_t n = *count;
    ts_err e = TS_OK;

    for (uint32_t i = 0; s != NULL && i < s->count && e == TS_OK; i++) {
        const struct secret *one = &s->list[i];
        int fd = -1;

        e = s->delivery[i] == SECRET_PIPE
                ? secrets_pipe(one->bytes, one->len, &fd, reterr_errno)
                : make_memfd(one, key, &fd, reterr_errno);
        if (e == TS_OK)
            given[n++] =
                (struct child_given){.fd = fd, .number = GIVEN_SECRET + (int)i};
    }
    while (e != TS_OK && n > *count)
        ts_fd_close(&given[--n].fd);
    if (e == TS_OK)
        *count = n;
    return e;
}
