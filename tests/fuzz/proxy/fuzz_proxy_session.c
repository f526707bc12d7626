/*
 * Bytes of a tool, in pieces, with a host that answers by the same input. First
 * byte: piece size; then up to a NUL the tool's bytes, the rest the host's.
 * Whatever it is, only what a rule allows goes out, and to its host.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* said: the tool knows the secret, and may have written it itself. */
static void check(struct help *h, bool said)
{
    const struct proxy_session *s = help_session(h);
    const char *out = help_to_host(h);

    if (s->rule != NULL && s->rule->path_count > 0)
        TS_REQUIRE(strncmp(out, "GET /v1/", 8) == 0 ||
                   strncmp(out, "POST /v1/", 9) == 0 || out[0] == '\0');
    if (s->rule != NULL && !s->rule->tls && !said)
        TS_REQUIRE(strstr(out, HELP_SECRET) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t step, tool_len = 0;
    struct help *h;
    bool said;

    if (len < 2 || (h = help_new()) == NULL)
        return 0;
    said = memmem(data, len, HELP_SECRET, sizeof(HELP_SECRET) - 1) != NULL;
    step = data[0] == 0 ? 65536 : data[0];
    data++;
    len--;
    while (tool_len < len && data[tool_len] != '\n' + 0x80)
        tool_len++;
    help_tool(h, data, tool_len, step);
    check(h, said);
    if (tool_len < len) {
        help_forget(h);
        help_host(h, data + tool_len + 1, len - tool_len - 1, step);
        proxy_host_end(help_session(h), (data[tool_len] & 1) != 0);
        help_serve(h);
        check(h, said);
    }
    proxy_tool_end(help_session(h));
    help_serve(h);
    proxy_timeout(help_session(h));
    help_serve(h);
    TS_REQUIRE(help_session(h)->state == PROXY_CLOSED ||
               help_session(h)->state == PROXY_HEAD);
    /* nobody said it but us, and we to one host only */
    TS_REQUIRE(said || strstr(help_to_tool(h), HELP_SECRET) == NULL);
    help_free(h);
    return 0;
}
