/* Schemas in JSON. Property: accepted, or refused with a diagnostic; what is
 * accepted means the same when it is printed, in either form, and read again.
 */
#include "tests/unit/policy_schema/schema_help.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    help_any_bytes(data, len, true);
    return 0;
}
