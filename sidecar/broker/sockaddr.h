#ifndef SIDECAR_BROKER_SOCKADDR_H
#define SIDECAR_BROKER_SOCKADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* Between the sixteen bytes that this folder calls an address (IPv4 as
 * ::ffff:a.b.c.d) and what the kernel takes. */

/* Returns the length. */
socklen_t sockaddr_make(const uint8_t address[16], uint16_t port,
                        struct sockaddr_storage *ret);
/* False when it is neither IPv4 nor IPv6. */
bool sockaddr_read(const struct sockaddr_storage *ss, uint8_t ret[16]);
bool sockaddr_is_v4(const uint8_t address[16]);
/* As messages carry it: 4 bytes or 16; returns which. */
uint32_t sockaddr_short(const uint8_t address[16], uint8_t ret[16]);

#endif
