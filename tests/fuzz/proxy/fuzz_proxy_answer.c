/*
 * Answers of a host to a request that got a secret: whatever it says, the tool
 * does not read the secret.
 */
#include <stdint.h>
#include <string.h>

#include "help.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char ask[] =
        "GET http://safe.test/ HTTP/1.1\r\nHost: safe.test\r\n\r\n";
    struct help *h;

    if (len < 1 || (h = help_new()) == NULL)
        return 0;
    help_tool(h, ask, sizeof(ask) - 1, sizeof(ask));
    help_host(h, data + 1, len - 1, data[0] == 0 ? 65536 : data[0]);
    proxy_host_end(help_session(h), false);
    help_serve(h);
    TS_REQUIRE(memmem(help_to_tool(h), strlen(help_to_tool(h)), HELP_SECRET,
                      sizeof(HELP_SECRET) - 1) == NULL);
    help_free(h);
    return 0;
}
