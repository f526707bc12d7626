#ifndef SIDECAR_BROKER_PROXY_PROXY_H
#define SIDECAR_BROKER_PROXY_PROXY_H

#include "sidecar/broker/grant.h"

/*
 * EGRESS_PROXY: g->fd is a TCP socket that listens at 127.0.0.1:3128 inside the
 * network namespace of the tool. HTTP (absolute form and CONNECT) and SOCKS5 at
 * one port, told apart by the first byte. Every dial is dial.h's; what is not
 * dialled for want of sense is recorded as denied.
 */
extern const struct grant_mode proxy_mode;

#endif
