#include "sidecar/broker/proxy/setup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/trust/key_source.h"
#include "sidecar/broker/privilege.h"
#include "sidecar/broker/proxy/tls_up.h"
#include "sidecar/common/fds.h"

#define TEXT_MAX 384

ts_err proxy_trust_load(struct tls_trust **ret)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
        "/etc/ssl/ca-bundle.pem",             /* SUSE */
        "/etc/ssl/cert.pem"};
    const char *said = getenv("SSL_CERT_FILE");

    if (said != NULL && said[0] == '/')
        return tls_trust_new(said, ret);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        ts_err e = tls_trust_new(places[i], ret);

        if (e != TS_E_NOT_FOUND)
            return e;
    }
    return TS_E_NOT_FOUND;
}

struct reading {
    const struct inject_store *before;
    bool has_credentials;
    char text[TEXT_MAX];
};

static ts_err read_source(struct reading *r, const struct manifest_secret *m,
                          uint8_t *buf, size_t cap, size_t *ret_len)
{
    char where[4096 + 16];
    const struct key_source s = {.dir_fd = AT_FDCWD,
                                 .has_credentials_fd = r->has_credentials,
                                 .credentials_fd = BROKER_FD_SECRETS,
                                 .where = where,
                                 .owner = geteuid()};
    int n = snprintf(where, sizeof(where), "%s%.*s",
                     m->source == SECRET_CREDENTIAL ? "credential:" : "",
                     (int)m->from.len, m->from.ptr);
    ts_err e;

    if (n < 0 || (size_t)n >= sizeof(where))
        return TS_E_LIMIT;
    privilege_raise(m->source == SECRET_CREDENTIAL);
    e = key_source_secret(&s, buf, cap, ret_len, r->text, sizeof(r->text));
    privilege_raise(false);
    return e;
}

static ts_err read_one(void *ctx, const struct manifest_secret *m, uint8_t *buf,
                       size_t cap, size_t *ret_len)
{
    struct reading *r = ctx;
    struct ts_bytes old;

    if (r->before == NULL)
        return read_source(r, m, buf, cap, ret_len);
    old = inject_stored(r->before, m);
    if (old.ptr == NULL || old.len > cap) {
        (void)snprintf(r->text, sizeof(r->text),
                       "the broker reads secrets only when it starts; restart "
                       "the service");
        return TS_E_UNSUPPORTED;
    }
    memcpy(buf, old.ptr, old.len);
    *ret_len = old.len;
    return TS_OK;
}

ts_err proxy_secrets_load(const struct manifests *m,
                          const struct inject_store *before,
                          struct inject_store **ret, char *reterr_text,
                          size_t reterr_cap)
{
    struct reading r = {.before = before};
    char text[TEXT_MAX] = "";
    struct stat st;
    ts_err e;

    r.has_credentials =
        fstat(BROKER_FD_SECRETS, &st) == 0 && S_ISDIR(st.st_mode);
    e = inject_load(m, before == NULL, read_one, &r, ret, text, sizeof(text));
    reterr_text[0] = '\0';
    if (e != TS_OK || text[0] != '\0')
        (void)snprintf(reterr_text, reterr_cap, "%s%s%s",
                       text[0] != '\0' ? text : ts_err_text(e),
                       r.text[0] != '\0' ? ": " : "", r.text);
    return e;
}
