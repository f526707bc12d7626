#include "sidecar/broker/proxy/socks5.h"

#include <arpa/inet.h>
#include <string.h>

#define NO_AUTH      0
#define CMD_CONNECT  1
#define ADDR_IPV4    1
#define ADDR_NAME    3
#define ADDR_IPV6    4
#define REQUEST_HEAD 4 /* version, command, reserved, address type */

ts_err socks5_greeting_read(const uint8_t *bytes, size_t len, size_t *ret_len)
{
    size_t methods;

    if (len >= 1 && bytes[0] != SOCKS5_VERSION)
        return TS_E_FORMAT;
    if (len < 2)
        return TS_E_AGAIN;
    methods = bytes[1];
    if (len < 2 + methods)
        return TS_E_AGAIN;
    if (methods == 0 || memchr(bytes + 2, NO_AUTH, methods) == NULL)
        return TS_E_UNSUPPORTED;
    *ret_len = 2 + methods;
    return TS_OK;
}

/* The address at the front of bytes: how many bytes it is, type included. */
static ts_err read_address(const uint8_t *bytes, size_t len,
                           struct socks5_request *r, size_t *ret_len,
                           enum socks5_status *reterr)
{
    size_t n, at = 1;

    if (bytes[0] == ADDR_NAME) {
        if (len < 2)
            return TS_E_AGAIN;
        n = bytes[1];
        at = 2;
    } else if (bytes[0] == ADDR_IPV4 || bytes[0] == ADDR_IPV6) {
        n = bytes[0] == ADDR_IPV4 ? 4 : 16;
    } else {
        *reterr = SOCKS5_NO_ADDRESS_TYPE;
        return TS_E_UNSUPPORTED;
    }
    if (len < at + n)
        return TS_E_AGAIN;
    if (bytes[0] != ADDR_NAME) {
        if (inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes + at, r->host,
                      sizeof(r->host)) == NULL)
            return TS_E_FORMAT;
        r->host_len = strlen(r->host);
    } else {
        if (n == 0 || memchr(bytes + at, '\0', n) != NULL) {
            *reterr = SOCKS5_NOT_ALLOWED;
            return TS_E_FORMAT;
        }
        memcpy(r->host, bytes + at, n);
        r->host[n] = '\0';
        r->host_len = n;
    }
    *ret_len = at + n;
    return TS_OK;
}

ts_err socks5_request_read(const uint8_t *bytes, size_t len,
                           struct socks5_request *ret,
                           enum socks5_status *reterr)
{
    struct socks5_request r = {0};
    size_t n;
    ts_err e;

    *reterr = SOCKS5_FAILED;
    if (len >= 1 && bytes[0] != SOCKS5_VERSION)
        return TS_E_FORMAT;
    if (len < REQUEST_HEAD)
        return TS_E_AGAIN;
    if (bytes[1] != CMD_CONNECT) {
        *reterr = SOCKS5_NO_COMMAND;
        return TS_E_UNSUPPORTED;
    }
    if (bytes[2] != 0)
        return TS_E_FORMAT;
    e = read_address(bytes + 3, len - 3, &r, &n, reterr);
    if (e != TS_OK)
        return e;
    if (len < 3 + n + 2)
        return TS_E_AGAIN;
    r.port = (uint16_t)((bytes[3 + n] << 8) | bytes[3 + n + 1]);
    r.len = 3 + n + 2;
    *ret = r;
    return TS_OK;
}

size_t socks5_reply(enum socks5_status status, const uint8_t *address,
                    uint32_t address_len, uint8_t out[SOCKS5_REPLY_MAX])
{
    size_t n = address_len == 16 ? 16 : 4;

    memset(out, 0, SOCKS5_REPLY_MAX);
    out[0] = SOCKS5_VERSION;
    out[1] = (uint8_t)status;
    out[3] = n == 16 ? ADDR_IPV6 : ADDR_IPV4;
    if (address_len == n)
        memcpy(out + 4, address, n);
    return 4 + n + 2; /* BND.PORT stays 0: it is nobody's business */
}

enum socks5_status socks5_status_of(enum egress_code code)
{
    switch (code) {
    case EGRESS_OK:
        return SOCKS5_OK;
    case EGRESS_NAME_INVALID:
    case EGRESS_HOST_DENIED:
    case EGRESS_PORT_DENIED:
    case EGRESS_METHOD_DENIED:
    case EGRESS_PATH_DENIED:
    case EGRESS_ADDRESS_DENIED:
    case EGRESS_TOO_MANY:
    case EGRESS_BYTES_SPENT:
    case EGRESS_ENDED:
        return SOCKS5_NOT_ALLOWED;
    case EGRESS_NAME_UNKNOWN:
    case EGRESS_NAME_FAILED:
    case EGRESS_TIMED_OUT:
        return SOCKS5_HOST_UNREACHABLE;
    case EGRESS_UNREACHABLE:
        return SOCKS5_NET_UNREACHABLE;
    case EGRESS_REFUSED:
        return SOCKS5_REFUSED;
    case EGRESS_INTERNAL:
    case EGRESS_MALFORMED:
    case EGRESS_NOT_RECORDED:
    case EGRESS_TLS_FAILED:
    case EGRESS_CODE_COUNT_:
        break;
    }
    return SOCKS5_FAILED;
}
