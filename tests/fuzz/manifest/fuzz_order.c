/* Any bytes as any body between gate, recorder and launcher: what decodes
 * encodes to the same bytes, what does not names its flaw. */
#include <stdint.h>

#include "tests/unit/launcher/order_recode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    recode_any(&order_bodies, data, len);
    return 0;
}
