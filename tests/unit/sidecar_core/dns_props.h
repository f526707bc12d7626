#ifndef TESTS_UNIT_SIDECAR_CORE_DNS_PROPS_H
#define TESTS_UNIT_SIDECAR_CORE_DNS_PROPS_H

#include <stddef.h>

/* What holds of sidecar/common/dns_text.h for any bytes, as a list and as a
 * resolv.conf; TS_REQUIRE'd. */
void dns_props_check(const void *bytes, size_t len);

#endif
