/* Whatever is read is written again; digits may only change their case. */
#include <string.h>

#include "cli/issuer/opening.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct ts_str text = {.ptr = (const char *)data, .len = len};
    struct opening o, back;
    char out[OPENING_MAX];
    size_t n;

    if (opening_read(text, &o) != TS_OK)
        return 0;
    TS_REQUIRE(opening_write(&o, out, sizeof(out), &n) == TS_OK && n == len);
    TS_REQUIRE(opening_read((struct ts_str){.ptr = out, .len = n}, &back) ==
                   TS_OK &&
               memcmp(&o, &back, sizeof(o)) == 0);
    return 0;
}
