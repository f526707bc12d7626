/* Schema text. Property: accepted, or refused with a diagnostic; what is
 * accepted means the same when it is printed, in either form, and read again.
 */
#include <stdint.h>
#include <string.h>

#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "tests/unit/policy_schema/schema_help.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct cedar_diags diags;
    char *text = ts_mem_alloc(len > 0 ? len : 1), why[128];
    struct cedar_schema *s;

    if (text == NULL)
        return 0;
    if (len > 0)
        memcpy(text, data, len);
    s = help_schema((struct ts_str){text, len}, false, &diags);
    ts_mem_free(text); /* a schema borrows nothing */
    TS_REQUIRE((s == NULL) == (diags.errors > 0));
    TS_REQUIRE(s == NULL || help_round_trip(s, why, sizeof(why)));
    cedar_schema_free(s);
    return 0;
}
