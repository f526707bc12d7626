#ifndef SIDECAR_BROKER_OWN_H
#define SIDECAR_BROKER_OWN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether an address (IPv4 as ::ffff:a.b.c.d) is one of this host's, by asking
 * the kernel: interfaces come and go while we run. Our network namespace
 * is meant, that of the pod. Never waits, sends nothing. When it cannot be
 * found out the answer is yes.
 */
struct own {
    bool binds_foreign; /* net.ipv4.ip_nonlocal_bind is on */
};
void own_init(struct own *o);
bool own_is(const struct own *o, const uint8_t address[16]);

#endif
