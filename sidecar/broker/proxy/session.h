#ifndef SIDECAR_BROKER_PROXY_SESSION_H
#define SIDECAR_BROKER_PROXY_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/msg/egress.h"
#include "sidecar/broker/proxy/http_forward.h"
#include "sidecar/broker/proxy/http_head.h"
#include "sidecar/broker/proxy/http_rules.h"
#include "sidecar/broker/proxy/inject.h"
#include "sidecar/broker/rules.h"

/*
 * One connection of a tool to its proxy, as a state machine over bytes: no
 * socket, no clock, no dial. conn.c moves bytes between it and sockets
 * and does what it wants. Every event may be given in every state.
 *
 *     FIRST --05--> HELLO --> REQUEST --> DIAL --> TUNNEL
 *       |                                  ^ |
 *       +-- a letter --> HEAD -------------+ +---> EXCHANGE --> HEAD
 *       any state --> LAST (an answer is written, then closed) --> CLOSED
 */
/* clang-format off */
#define PROXY_STATE_MAP(X)                                                     \
    X(FIRST)    /* nothing was said yet */                                     \
    X(HELLO)    /* SOCKS5: the greeting */                                     \
    X(REQUEST)  /* SOCKS5: the request */                                      \
    X(HEAD)     /* HTTP: between messages, or in a head */                     \
    X(DIAL)     /* want.dial: the host is being connected to */                \
    X(EXCHANGE) /* HTTP: request up, answer down, both at once */              \
    X(TUNNEL)   /* when tool_out is written, bytes are joined unread */        \
    X(LAST)     /* when tool_out is written, it is closed */                   \
    X(CLOSED)
/* clang-format on */
enum proxy_state {
#define X(id) PROXY_##id,
    PROXY_STATE_MAP(X)
#undef X
    PROXY_STATE_COUNT_
};

#define PROXY_TOOL_IN_MAX  65536
#define PROXY_HOST_IN_MAX  65536
#define PROXY_HOST_OUT_MAX 98304
#define PROXY_TOOL_OUT_MAX 196608

/* What the shell is to do; looked at and cleared after each event. */
struct proxy_want {
    bool dial;        /* fields of the session: via, host.. path */
    bool close_host;  /* forget the connection to the host */
    bool host_broken; /* and it was the host that ended it badly */
    bool deny;        /* record deny_code with the same fields */
    enum egress_code deny_code;
};

struct proxy_session {
    enum proxy_state state;
    struct proxy_want want;
    const struct manifest_network *network; /* borrowed */
    const struct inject *inject;            /* borrowed; may be NULL */
    struct ts_buf tool_in, tool_out;        /* the tool's side */
    struct ts_buf host_in, host_out;        /* the host's side */
    /* goes to the host ahead of host_out: a head with secrets in it */
    uint8_t *vault; /* owned, of sodium_malloc(); NULL when there is none */
    size_t vault_len, vault_off;
    /* of the request, and of what is dialled */
    enum egress_via via;
    char host_text[256]; /* as the tool wrote it */
    size_t host_len;
    uint16_t port;
    struct http_path *path; /* owned */
    /* HTTP */
    struct ts_buf head_bytes; /* the request's head borrows from it */
    size_t head_seen;
    struct http_head *request, *response; /* owned */
    struct http_message up, down;
    struct http_target target;
    struct rules_name name;
    bool tool_ended, host_ended, host_broken;
    bool cut; /* tool_out is not the whole answer: reset, do not just close */
    bool request_done, answer_begun, answer_done, keep;
    bool said_continue;
    enum http_framing tool_framing;
    struct redactor *redactor; /* owned; of the answer under way, or NULL */
    struct ts_buf scanned;
    /* the connection to the host that is open, if any */
    const struct manifest_host *rule; /* borrowed; NULL when none is open */
    struct rules_name host_name;
    uint16_t host_port;
    bool reused;
    uint64_t requests; /* heads that were read */
    uint64_t passed;   /* requests that went on, on this connection to a host */
};

/* Over 30 KiB: of ts_mem. Both borrowed things must outlive it. */
TS_NODISCARD ts_err proxy_session_new(const struct manifest_network *network,
                                      const struct inject *inject,
                                      struct proxy_session **ret);
void proxy_session_free(struct proxy_session *s); /* NULL is fine */

/* Room for bytes that are read: 0 when nothing is to be read now. */
size_t proxy_tool_room(const struct proxy_session *s);
size_t proxy_host_room(const struct proxy_session *s);

/*
 * Events. Bytes are given by appending to tool_in or host_in and calling
 * proxy_step(); that is also to be called after bytes were taken out of
 * tool_out, host_out or vault.
 */
void proxy_step(struct proxy_session *s);
void proxy_tool_end(struct proxy_session *s); /* it will send no more */
void proxy_host_end(struct proxy_session *s, bool broken);
/* The answer to want.dial. With EGRESS_OK the rule; TLS, if it wants some, is
 * up by then. address: for SOCKS5. what: one sentence, or "". */
void proxy_dialled(struct proxy_session *s, enum egress_code code,
                   const char *what, const struct manifest_host *rule,
                   const uint8_t *address, uint32_t address_len);
void proxy_timeout(struct proxy_session *s);
/* Something of ours failed (memory): nothing more is said. */
void proxy_abort(struct proxy_session *s);

/* How long the state may last, in ms. *ret_total: counted from its beginning,
 * else from the last byte that moved. */
uint32_t proxy_patience(const struct proxy_session *s, bool *ret_total);

/* For the request and the dial; "" where there is none. */
struct ts_str proxy_method(const struct proxy_session *s);
struct ts_str proxy_path(const struct proxy_session *s);
struct ts_str proxy_host(const struct proxy_session *s);
/* Bytes that wait for the host, vault first. */
struct ts_bytes proxy_host_next(const struct proxy_session *s);
void proxy_host_took(struct proxy_session *s, size_t n);

#endif
