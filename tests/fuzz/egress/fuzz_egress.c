/* Any bytes as any body that the broker says or hears: what decodes
 * encodes to the same bytes, what does not names its flaw. */
#include <stdint.h>

#include "tests/unit/egress/egress_recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    recode_any(&egress_bodies, data, len);
    return 0;
}
