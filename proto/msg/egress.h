#ifndef PROTO_MSG_EGRESS_H
#define PROTO_MSG_EGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/code.h"
#include "proto/wire/limits.h"

/*
 * What the broker (tipstaff-broker, docs/EGRESS.md) says and hears. One
 * SOCK_SEQPACKET message each: first byte the type, the rest one msgpack array.
 *
 *   launcher to broker   GRANT (+1 descriptor), END      nothing comes back
 *   broker to gate       OPENED, CLOSED, DENIED
 *   gate to broker       ANSWER (to each OPENED), END
 *   tool to broker       ASK (+2 descriptors)
 *   broker to tool       REPLY, on the second descriptor of its ASK
 *
 * The descriptor of a GRANT is the broker's end of the tool's channel
 * (EGRESS_BROKER), or a listening TCP socket inside the tool's network
 * namespace (EGRESS_PROXY). A grant is known by the launcher it came from and
 * its order.
 *
 * A connection is handed over only after the gate has answered its OPENED with
 * EGRESS_OK, which it does after the record is in the ring: no record, no
 * connection.
 */
enum egress_type {
    EGRESS_GRANT = 1,
    EGRESS_END = 2,
    EGRESS_OPENED = 3,
    EGRESS_ANSWER = 4,
    EGRESS_CLOSED = 5,
    EGRESS_DENIED = 6,
    EGRESS_ASK = 7,
    EGRESS_REPLY = 8
};

enum egress_mode {
    EGRESS_BROKER = 1, /* the tool asks, and gets a connected stream */
    EGRESS_PROXY = 2   /* HTTP and SOCKS5 proxy at 127.0.0.1:3128 */
};

/* How a connection was asked for. */
#define EGRESS_VIA_MAP(X)                                                      \
    X(BROKER, "broker")   /* ASK */                                            \
    X(CONNECT, "connect") /* HTTP CONNECT */                                   \
    X(HTTP, "http")       /* HTTP with an absolute URI; has method and path */ \
    X(SOCKS5, "socks5")
enum egress_via {
#define X(id, name) EGRESS_VIA_##id,
    EGRESS_VIA_MAP(X)
#undef X
    EGRESS_VIA_COUNT_
};
const char *egress_via_name(enum egress_via v); /* static; never NULL */

/* What became of a wish to connect: in records by name, to the tool as number
 * and name. Numbers and names never change. */
/* clang-format off */
#define EGRESS_CODE_MAP(X)                                                     \
    X(INTERNAL, "internal", "the broker failed")                               \
    X(OK, "ok", "connected")                                                   \
    X(MALFORMED, "malformed", "the request could not be read")                 \
    X(NAME_INVALID, "name_invalid", "this is not the name of a host")          \
    X(HOST_DENIED, "host_denied", "no rule of the manifest allows this host")  \
    X(PORT_DENIED, "port_denied", "this host is not allowed on this port")     \
    X(METHOD_DENIED, "method_denied", "this method is not allowed here")       \
    X(PATH_DENIED, "path_denied", "this path is not allowed here")             \
    X(NAME_UNKNOWN, "name_unknown", "this name does not exist")                \
    X(NAME_FAILED, "name_failed", "no server answered for this name")          \
    X(ADDRESS_DENIED, "address_denied",                                        \
      "every address of this name is of a refused class")                      \
    X(REFUSED, "refused", "the host refused the connection")                   \
    X(UNREACHABLE, "unreachable", "the host cannot be reached")                \
    X(TIMED_OUT, "timed_out", "the host did not answer in time")               \
    X(TOO_MANY, "too_many", "too many connections")                            \
    X(BYTES_SPENT, "bytes_spent", "the tool's allowance of bytes is spent")    \
    X(NOT_RECORDED, "not_recorded",                                            \
      "the connection could not be recorded, so it was not made")              \
    X(ENDED, "ended", "the tool's call has ended")                             \
    X(TLS_FAILED, "tls_failed", "the host's certificate was refused")
/* clang-format on */
enum egress_code {
#define X(id, name, text) EGRESS_##id,
    EGRESS_CODE_MAP(X)
#undef X
    EGRESS_CODE_COUNT_
};
const char *egress_code_name(enum egress_code c); /* static; never NULL */
const char *egress_code_text(enum egress_code c); /* static; never NULL */

/* Why a connection ended. */
#define EGRESS_CLOSE_MAP(X)                                                    \
    X(DONE, "done")     /* tool and host have finished with it */              \
    X(TOOL, "tool")     /* the tool closed it */                               \
    X(HOST, "host")     /* the host closed or reset it */                      \
    X(ENDED, "ended")   /* the tool's processes are gone */                    \
    X(KILLED, "killed") /* the call was ended: revoked, cancelled, late */     \
    X(BYTES, "bytes")   /* the allowance of bytes was spent */                 \
    X(IDLE, "idle")     /* too long without a byte */                          \
    X(FAILED, "failed") /* the broker could not go on with it */
enum egress_close {
#define X(id, name) EGRESS_CLOSE_##id,
    EGRESS_CLOSE_MAP(X)
#undef X
    EGRESS_CLOSE_COUNT_
};
const char *egress_close_name(enum egress_close c); /* static; never NULL */

#define EGRESS_HOST_MAX    253  /* bytes of a name, without the last dot */
#define EGRESS_METHOD_MAX  32   /* bytes */
#define EGRESS_PATH_MAX    2048 /* bytes in a record; longer ones are cut */
#define EGRESS_SKIP_MAX    1048576
#define EGRESS_MESSAGE_MAX 8192 /* bytes of any message here, type included */

/* [1, order_id, generation, tool str, decision_id bin16, mode, token str] */
struct egress_grant {
    uint64_t order_id;   /* never 0 */
    uint64_t generation; /* of the manifest */
    struct ts_str tool;
    uint8_t decision_id[16];
    enum egress_mode mode;
    struct ts_str token; /* minted for this call, for a header; or "" */
};

/* [order_id, reason]. From the launcher: everything of it is shut. From the
 * gate: the same, ahead of the launcher's kill. Unknown orders are ignored. */
struct egress_end {
    uint64_t order_id;
    enum end_reason reason; /* END_EXITED: the tree is gone by itself */
};

/* Whom and what a connection is about, in OPENED and DENIED. */
struct egress_what {
    uint64_t order_id;
    uint8_t decision_id[16];
    struct ts_str tool;
    struct ts_str host; /* as asked for, lower case; printable ASCII or "" */
    uint16_t port;      /* never 0 in OPENED */
    /* 4 or 16 bytes, network order; empty when none was dialled */
    uint8_t address[16];
    uint32_t address_len;
    enum egress_via via;
    struct ts_str method; /* of HTTP, else "" */
    struct ts_str path;   /* the same, without the query */
};
struct egress_opened { /* [conn_id, what] */
    uint64_t conn_id;  /* never 0, never used twice in one life of the broker */
    struct egress_what what;
};
/* [what, code, count]; count: how many of the like, when a tool goes on asking
 * for what it is not given */
struct egress_denied {
    struct egress_what what;
    enum egress_code code; /* not EGRESS_OK */
    uint64_t count;        /* >= 1 */
};
struct egress_answer { /* [conn_id, code] */
    uint64_t conn_id;
    enum egress_code code; /* EGRESS_OK: it is recorded, hand it over */
};
/* [conn_id, order_id, decision_id bin16, reason, bytes_out, bytes_in, ms,
 * requests] */
struct egress_closed {
    uint64_t conn_id;
    uint64_t order_id;
    uint8_t decision_id[16];
    enum egress_close reason;
    uint64_t bytes_out; /* tool to host */
    uint64_t bytes_in;  /* host to tool */
    uint64_t ms;        /* since it was opened */
    uint64_t requests;  /* of HTTP that were passed on; 0 for the other ways */
};

/*
 * [1, host str, port, skip]. A name, or an address literal where a rule of the
 * manifest has one. Descriptors: one end of the tool's own
 * socketpair(AF_UNIX, SOCK_STREAM), which the broker joins to the host; one end
 * of a socketpair(AF_UNIX, SOCK_SEQPACKET), which gets exactly one REPLY and is
 * closed. The tool keeps the other ends. Of the stream the first skip bytes are
 * thrown away: filling it before asking is how a non-blocking connect() is
 * not writable until it is connected.
 */
struct egress_ask {
    struct ts_str host; /* unchecked: at most 255 bytes of UTF-8 */
    uint16_t port;      /* unchecked: 0 is refused later, with a record */
    uint32_t skip;      /* <= EGRESS_SKIP_MAX */
};
struct egress_reply { /* [code, address bin, text str] */
    enum egress_code code;
    uint8_t address[16];
    uint32_t address_len; /* 4 or 16 when EGRESS_OK, else 0 */
    struct ts_str text;   /* one sentence, for people */
};

/* Bodies: what follows the type byte. cap: bytes in buf. */
TS_NODISCARD ts_err egress_grant_encode(const struct egress_grant *m, void *buf,
                                        size_t cap, size_t *ret_len);
TS_NODISCARD ts_err egress_grant_decode(const void *b, size_t n,
                                        struct egress_grant *ret,
                                        const char **reterr_what);
TS_NODISCARD ts_err egress_end_encode(const struct egress_end *m, void *buf,
                                      size_t cap, size_t *ret_len);
TS_NODISCARD ts_err egress_end_decode(const void *b, size_t n,
                                      struct egress_end *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err egress_opened_encode(const struct egress_opened *m,
                                         void *buf, size_t cap,
                                         size_t *ret_len);
TS_NODISCARD ts_err egress_opened_decode(const void *b, size_t n,
                                         struct egress_opened *ret,
                                         const char **reterr_what);
TS_NODISCARD ts_err egress_denied_encode(const struct egress_denied *m,
                                         void *buf, size_t cap,
                                         size_t *ret_len);
TS_NODISCARD ts_err egress_denied_decode(const void *b, size_t n,
                                         struct egress_denied *ret,
                                         const char **reterr_what);
TS_NODISCARD ts_err egress_answer_encode(const struct egress_answer *m,
                                         void *buf, size_t cap,
                                         size_t *ret_len);
TS_NODISCARD ts_err egress_answer_decode(const void *b, size_t n,
                                         struct egress_answer *ret,
                                         const char **reterr_what);
TS_NODISCARD ts_err egress_closed_encode(const struct egress_closed *m,
                                         void *buf, size_t cap,
                                         size_t *ret_len);
TS_NODISCARD ts_err egress_closed_decode(const void *b, size_t n,
                                         struct egress_closed *ret,
                                         const char **reterr_what);
TS_NODISCARD ts_err egress_ask_encode(const struct egress_ask *m, void *buf,
                                      size_t cap, size_t *ret_len);
TS_NODISCARD ts_err egress_ask_decode(const void *b, size_t n,
                                      struct egress_ask *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err egress_reply_encode(const struct egress_reply *m, void *buf,
                                        size_t cap, size_t *ret_len);
TS_NODISCARD ts_err egress_reply_decode(const void *b, size_t n,
                                        struct egress_reply *ret,
                                        const char **reterr_what);

#endif
