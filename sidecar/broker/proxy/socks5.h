#ifndef SIDECAR_BROKER_PROXY_SOCKS5_H
#define SIDECAR_BROKER_PROXY_SOCKS5_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/egress.h"

/*
 * SOCKS5 (RFC 1928), the proxy's side: no authentication, CONNECT only. Pure.
 * Whether a host is a host is rules_name_read()'s: here a name is any bytes but
 * one with a NUL, which is refused at once.
 */
#define SOCKS5_VERSION   5
#define SOCKS5_REPLY_MAX 22

enum socks5_status { /* section 6 */
    SOCKS5_OK = 0,
    SOCKS5_FAILED = 1,
    SOCKS5_NOT_ALLOWED = 2,
    SOCKS5_NET_UNREACHABLE = 3,
    SOCKS5_HOST_UNREACHABLE = 4,
    SOCKS5_REFUSED = 5,
    SOCKS5_NO_COMMAND = 7,
    SOCKS5_NO_ADDRESS_TYPE = 8
};

/* The greeting at the front: its length. TS_E_AGAIN until it is whole;
 * TS_E_FORMAT: not SOCKS5; TS_E_UNSUPPORTED: "no authentication" is not
 * offered, answer 05 FF. */
TS_NODISCARD ts_err socks5_greeting_read(const uint8_t *bytes, size_t len,
                                         size_t *ret_len);

struct socks5_request {
    char host[256]; /* a name, or an address as text; host_len bytes and NUL */
    size_t host_len;
    uint16_t port; /* unchecked */
    size_t len;    /* of the request */
};
/* TS_E_AGAIN until it is whole. TS_E_FORMAT and TS_E_UNSUPPORTED: *reterr has
 * the status to answer with. */
TS_NODISCARD ts_err socks5_request_read(const uint8_t *bytes, size_t len,
                                        struct socks5_request *ret,
                                        enum socks5_status *reterr);

/* The answer to a request; address as in struct dial_result, 0 bytes for none.
 * Returns the length. */
size_t socks5_reply(enum socks5_status status, const uint8_t *address,
                    uint32_t address_len, uint8_t out[SOCKS5_REPLY_MAX]);
enum socks5_status socks5_status_of(enum egress_code code);

#endif
