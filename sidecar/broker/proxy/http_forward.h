#ifndef SIDECAR_BROKER_PROXY_HTTP_FORWARD_H
#define SIDECAR_BROKER_PROXY_HTTP_FORWARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/msg/egress.h"
#include "sidecar/broker/proxy/http_head.h"
#include "sidecar/broker/proxy/http_rules.h"
#include "sidecar/broker/proxy/inject.h"

/*
 * What goes on to the next one, written anew from what was read: request and
 * response heads without the fields that are between two neighbours only
 * (RFC 9110 section 7.6.1), bodies in a framing of our own, and the proxy's own
 * answers. Pure.
 */
#define HTTP_WRITTEN_MAX (HTTP_HEAD_MAX + 2048) /* without secrets */

struct http_request {
    const struct http_head *head;
    const struct rules_name *name;
    uint16_t port;
    struct ts_str path; /* what was checked, or as written */
    struct ts_str query;
    const struct manifest_host *rule;
    const struct inject *inject; /* may be NULL */
};
/* Writes the head for the host; returns its length. cap: HTTP_WRITTEN_MAX and
 * inject_room(). A request that gets a secret loses Accept-Encoding and Range:
 * its answer is looked through. */
size_t http_request_write(const struct http_request *r, uint8_t *out,
                          size_t cap);

struct http_response {
    const struct http_head *head;
    bool bodyless; /* to HEAD, 204, 304 */
    bool scanned;  /* the body may change its length */
    uint32_t tool_minor;
    bool close; /* the last one on this connection */
};
/* The framing that the tool gets; HTTP_BODY_TO_EOF makes it the last one. */
enum http_framing http_response_framing(const struct http_response *r);
size_t http_response_write(const struct http_response *r, uint8_t *out,
                           size_t cap);

/* A piece of a body, at most HTTP_PIECE_EXTRA bytes longer than it; nothing for
 * no bytes. */
#define HTTP_PIECE_EXTRA 24
TS_NODISCARD ts_err http_body_put(struct ts_buf *out, enum http_framing f,
                                  const uint8_t *bytes, size_t len);
TS_NODISCARD ts_err http_body_end(struct ts_buf *out, enum http_framing f);

/* An answer of the proxy itself, the last one of its connection. */
struct http_refusal {
    uint32_t status;
    enum egress_code code;
    const char *what;     /* one sentence; "" for the code's own */
    const char *remedy;   /* what to do about it, or "" */
    struct ts_str method; /* of the request, or "" */
    struct ts_str host;   /* as the tool wrote it: any bytes; or "" */
    uint16_t port;        /* or 0 */
    bool bodyless;        /* to HEAD */
};
TS_NODISCARD ts_err http_refusal_write(const struct http_refusal *r,
                                       struct ts_buf *out);
uint32_t http_status_of(enum egress_code code);
/* What a person can do about it; static. */
const char *http_remedy_of(enum egress_code code);

#endif
