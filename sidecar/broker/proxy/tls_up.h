#ifndef SIDECAR_BROKER_PROXY_TLS_UP_H
#define SIDECAR_BROKER_PROXY_TLS_UP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"

/*
 * TLS towards a host, as a filter between bytes and bytes: OpenSSL sees no
 * socket. TLS 1.2 and 1.3; the certificate must be valid, chain to the trust
 * store and be the host's (no common name, no partial wildcards). No client
 * certificate, no renegotiation, no compression, no session tickets: calls of
 * one tool are not linked to those of another.
 */
struct tls_trust;
/* Before confinement: reads the whole file (PEM) at once, and never again.
 * TS_E_NOT_FOUND without it, TS_E_FORMAT when it holds no certificate. */
TS_NODISCARD ts_err tls_trust_new(const char *pem_file, struct tls_trust **ret);
void tls_trust_free(struct tls_trust *t); /* NULL is fine */

struct tls_up;
/* host: in its one spelling (rules_name_read); sent as SNI unless it is an
 * address, and compared with the certificate. */
TS_NODISCARD ts_err tls_up_new(const struct tls_trust *t, const char *host,
                               bool is_address, struct tls_up **ret);
void tls_up_free(struct tls_up *t); /* NULL is fine */

enum tls_state {
    TLS_HANDSHAKE = 0,
    TLS_OPEN,
    TLS_ENDED, /* the host said so (close_notify): nothing is missing */
    TLS_FAILED /* for good */
};
enum tls_state tls_up_state(const struct tls_up *t);
/* One sentence about a failure, for the tool; static or t's. */
const char *tls_up_why(const struct tls_up *t);

/* Bytes of the host. At most tls_up_feed_room() of them. */
size_t tls_up_feed_room(const struct tls_up *t);
void tls_up_feed(struct tls_up *t, const uint8_t *bytes, size_t len);
/* Goes on with the handshake, and appends what is decoded to out while there is
 * room. TS_E_NOMEM is out's. */
TS_NODISCARD ts_err tls_up_step(struct tls_up *t, struct ts_buf *out);
/* Encodes; *ret_taken of the bytes, 0 when the handshake is not done or what
 * was encoded before has not been taken yet. */
void tls_up_write(struct tls_up *t, const uint8_t *bytes, size_t len,
                  size_t *ret_taken);
/* Bytes for the host: up to cap, copied and forgotten. */
size_t tls_up_take(struct tls_up *t, uint8_t *out, size_t cap);
size_t tls_up_pending(const struct tls_up *t);

#endif
