/* Any bytes as a list of DNS servers, and as a resolv.conf. */
#include <stdint.h>

#include "tests/unit/sidecar_core/dns_props.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    dns_props_check(data, len);
    return 0;
}
