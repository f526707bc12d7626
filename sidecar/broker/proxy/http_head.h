#ifndef SIDECAR_BROKER_PROXY_HTTP_HEAD_H
#define SIDECAR_BROKER_PROXY_HTTP_HEAD_H

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

/*
 * HTTP/1 messages. The parser is libhttp-parser; what it lets pass although two
 * readers could take it for two different messages is refused here, before it
 * and after it (RFC 9112 sections 2.2, 5, 6 and 11.2):
 *
 *   before  a line that does not end in CRLF, a CR or NUL anywhere else, a
 *           field folded over lines (obs-fold)
 *   after   versions but 1.0 and 1.1, a space before the colon, two of Host or
 *           Content-Length, Transfer-Encoding with anything but one "chunked"
 *           or next to Content-Length or in HTTP/1.0
 *
 * What goes on is always written anew from what was read (http_forward.h).
 */
#define HTTP_HEAD_MAX   32768 /* bytes, request and response */
#define HTTP_TARGET_MAX 8192  /* bytes, query included */
#define HTTP_FIELDS_MAX 128

struct http_field {
    struct ts_str name, value; /* borrow from the bytes that were read */
};

enum http_framing {
    HTTP_BODY_NONE = 0,
    HTTP_BODY_LENGTH,
    HTTP_BODY_CHUNKED,
    HTTP_BODY_TO_EOF /* responses only */
};

struct http_head {
    struct ts_str method, target; /* requests; method: static text */
    uint32_t status;              /* responses: 100..999 */
    uint32_t minor;               /* of HTTP/1.x */
    bool keep_alive;              /* by version and Connection */
    enum http_framing framing;
    uint64_t length; /* HTTP_BODY_LENGTH: of the body; may be 0 */
    struct http_field fields[HTTP_FIELDS_MAX];
    uint32_t field_count;
};

/* Where the head at the front of the bytes ends: the length with the empty
 * line. TS_E_AGAIN while it is not all there; TS_E_LIMIT over HTTP_HEAD_MAX.
 * *io_from: 0 at first; remembers what has been looked at. */
TS_NODISCARD ts_err http_head_end(const uint8_t *bytes, size_t len,
                                  size_t *io_from, size_t *ret_len);

/* One message: its head, then its body in pieces. */
struct http_message {
    http_parser parser;
    struct http_head *head; /* borrowed, while the head is read */
    const char *why;        /* static: what was refused */
    ts_err err;
    bool value_follows, head_done, done;
    bool bodyless; /* whatever its fields say: answers to HEAD, 1xx, 204, 304 */
    ts_err (*sink)(void *ctx, const uint8_t *bytes, size_t len);
    void *sink_ctx;
};

/* Exactly one head: bytes[0..len) from http_head_end(). TS_E_FORMAT and
 * TS_E_LIMIT with *reterr_what a static sentence. to_head: the request was
 * HEAD. */
TS_NODISCARD ts_err http_request_read(struct http_message *m,
                                      const uint8_t *bytes, size_t len,
                                      struct http_head *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err http_response_read(struct http_message *m, bool to_head,
                                       const uint8_t *bytes, size_t len,
                                       struct http_head *ret,
                                       const char **reterr_what);

/*
 * The body: every piece goes to sink, decoded of chunks; trailers are dropped.
 * *ret_used < len only when the message ended there (m->done). Errors: the
 * sink's, or TS_E_FORMAT. With len 0 the stream has ended: TS_OK when the
 * message may end so, TS_E_TRUNCATED when not.
 */
TS_NODISCARD ts_err
http_message_body(struct http_message *m, const uint8_t *bytes, size_t len,
                  ts_err (*sink)(void *ctx, const uint8_t *bytes, size_t len),
                  void *ctx, size_t *ret_used);

/* Field names compare without case. NULL when there is none. */
const struct http_field *http_field_find(const struct http_head *h,
                                         const char *name);
uint32_t http_field_count(const struct http_head *h, const char *name);
bool http_name_eq(struct ts_str name, const char *want);
/* Whether a comma list holds a token, parameters and case aside. */
bool http_list_has(struct ts_str list, struct ts_str token);

#endif
