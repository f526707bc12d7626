#ifndef SIDECAR_BROKER_PROXY_SESSION_PRIV_H
#define SIDECAR_BROKER_PROXY_SESSION_PRIV_H

#include "sidecar/broker/proxy/session.h"

/* session.c: ends the conversation with an answer of ours. deny: it is
 * recorded by us (a dial records its own refusals). */
void session_refuse(struct proxy_session *s, uint32_t status,
                    enum egress_code code, const char *what, const char *remedy,
                    bool deny);
void session_last(struct proxy_session *s);
void session_dial(struct proxy_session *s, enum egress_via via);
void session_drop_host(struct proxy_session *s, bool broken);

/* proxy_http.c: a head is there; a dial for it has ended well. */
void session_http_head(struct proxy_session *s);
void session_http_begin(struct proxy_session *s);

/* proxy_exchange.c */
void session_exchange(struct proxy_session *s);
void session_exchange_host_end(struct proxy_session *s);

#endif
