#include "sidecar/broker/proxy/tls_up.h"

#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"

#define PENDING_MAX 65536 /* bytes encoded or not yet decoded */
#define PIECE_MAX   16384 /* bytes of one record */

struct tls_trust {
    SSL_CTX *ctx; /* owned */
};

struct tls_up {
    SSL *ssl;       /* owned, with both of its BIOs */
    BIO *from_host; /* the SSL's */
    BIO *to_host;   /* the SSL's */
    enum tls_state state;
    const char *why;
};

static ts_err load_trust(SSL_CTX *ctx, const char *pem_file)
{
    if (access(pem_file, R_OK) != 0)
        return TS_E_NOT_FOUND;
    if (SSL_CTX_load_verify_file(ctx, pem_file) != 1) {
        ERR_clear_error();
        return TS_E_FORMAT;
    }
    return TS_OK;
}

ts_err tls_trust_new(const char *pem_file, struct tls_trust **ret)
{
    struct tls_trust *t = ts_mem_alloc(sizeof(*t));
    ts_err e;

    if (t == NULL)
        return TS_E_NOMEM;
    /* Without its configuration file: nobody's settings but these. */
    (void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    t->ctx = SSL_CTX_new(TLS_client_method());
    if (t->ctx == NULL) {
        ts_mem_free(t);
        return TS_E_NOMEM;
    }
    SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION |
                                          SSL_OP_NO_COMPRESSION |
                                          SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                       SSL_MODE_RELEASE_BUFFERS);
    e = SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) == 1
            ? load_trust(t->ctx, pem_file)
            : TS_E_SYSTEM;
    if (e != TS_OK) {
        tls_trust_free(t);
        return e;
    }
    *ret = t;
    return TS_OK;
}

void tls_trust_free(struct tls_trust *t)
{
    if (t == NULL)
        return;
    SSL_CTX_free(t->ctx);
    ts_mem_free(t);
}

/* The server's name, for hosts of many. As OpenSSL's macro for it, which casts
 * const away; the name is copied. */
static bool set_name(SSL *ssl, const char *host)
{
    void *name;

    memcpy(&name, &host, sizeof(name));
    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
                    TLSEXT_NAMETYPE_host_name, name) == 1;
}

static bool set_peer(SSL *ssl, const char *host, bool is_address)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1;
    return SSL_set1_host(ssl, host) == 1 && set_name(ssl, host);
}

ts_err tls_up_new(const struct tls_trust *t, const char *host, bool is_address,
                  struct tls_up **ret)
{
    struct tls_up *u = ts_mem_alloc(sizeof(*u));

    if (u == NULL)
        return TS_E_NOMEM;
    u->ssl = SSL_new(t->ctx);
    u->from_host = BIO_new(BIO_s_mem());
    u->to_host = BIO_new(BIO_s_mem());
    if (u->ssl == NULL || u->from_host == NULL || u->to_host == NULL) {
        BIO_free(u->from_host);
        BIO_free(u->to_host);
        SSL_free(u->ssl);
        ts_mem_free(u);
        ERR_clear_error();
        return TS_E_NOMEM;
    }
    /* no bytes now is no end of the stream */
    (void)BIO_set_mem_eof_return(u->from_host, -1);
    SSL_set_bio(u->ssl, u->from_host, u->to_host);
    SSL_set_connect_state(u->ssl);
    if (!set_peer(u->ssl, host, is_address)) {
        tls_up_free(u);
        ERR_clear_error();
        return TS_E_INVALID;
    }
    u->why = "the host's TLS failed";
    *ret = u;
    return TS_OK;
}

void tls_up_free(struct tls_up *t)
{
    if (t == NULL)
        return;
    SSL_free(t->ssl);
    ts_mem_free(t);
}

enum tls_state tls_up_state(const struct tls_up *t)
{
    return t->state;
}

const char *tls_up_why(const struct tls_up *t)
{
    return t->why;
}

size_t tls_up_feed_room(const struct tls_up *t)
{
    size_t held = BIO_ctrl_pending(t->from_host);

    return held < PENDING_MAX ? PENDING_MAX - held : 0;
}

static void fail(struct tls_up *t, const char *why)
{
    t->state = TLS_FAILED;
    if (why != NULL)
        t->why = why;
    ERR_clear_error();
}

void tls_up_feed(struct tls_up *t, const uint8_t *bytes, size_t len)
{
    if (len == 0 || t->state == TLS_FAILED)
        return;
    if (len > INT_MAX || BIO_write(t->from_host, bytes, (int)len) != (int)len)
        fail(t, "out of memory");
}

/* After a call of OpenSSL that returned no success. */
static void judge(struct tls_up *t, int got)
{
    long verdict;

    switch (SSL_get_error(t->ssl, got)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        ERR_clear_error();
        return;
    case SSL_ERROR_ZERO_RETURN:
        t->state = TLS_ENDED;
        return;
    default:
        verdict = SSL_get_verify_result(t->ssl);
        fail(t, verdict != X509_V_OK ? X509_verify_cert_error_string(verdict)
                                     : NULL);
        return;
    }
}

ts_err tls_up_step(struct tls_up *t, struct ts_buf *out)
{
    ERR_clear_error();
    if (t->state == TLS_HANDSHAKE) {
        int got = SSL_do_handshake(t->ssl);

        if (got == 1)
            t->state = TLS_OPEN;
        else
            judge(t, got);
    }
    while (t->state == TLS_OPEN && out->len < out->max) {
        size_t room = out->max - out->len, n = 0;
        uint8_t *to;
        ts_err e;
        int got;

        if (room > PIECE_MAX)
            room = PIECE_MAX;
        if ((e = ts_buf_reserve(out, room, &to)) != TS_OK)
            return e;
        got = SSL_read_ex(t->ssl, to, room, &n);
        if (got != 1) {
            judge(t, got);
            break;
        }
        ts_buf_grew(out, n);
    }
    return TS_OK;
}

void tls_up_write(struct tls_up *t, const uint8_t *bytes, size_t len,
                  size_t *ret_taken)
{
    size_t taken = 0;

    while (t->state == TLS_OPEN && taken < len &&
           BIO_ctrl_pending(t->to_host) < PENDING_MAX) {
        size_t n = len - taken < PIECE_MAX ? len - taken : PIECE_MAX;
        int got;

        ERR_clear_error();
        got = SSL_write_ex(t->ssl, bytes + taken, n, &n);
        if (got != 1) {
            judge(t, got);
            break;
        }
        taken += n;
    }
    *ret_taken = taken;
}

size_t tls_up_take(struct tls_up *t, uint8_t *out, size_t cap)
{
    int n = cap > 0
                ? BIO_read(t->to_host, out, cap < INT_MAX ? (int)cap : INT_MAX)
                : 0;

    return n > 0 ? (size_t)n : 0;
}

size_t tls_up_pending(const struct tls_up *t)
{
    return BIO_ctrl_pending(t->to_host);
}
