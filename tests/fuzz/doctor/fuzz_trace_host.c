/* The address that a traced program wanted to connect to, as it stood in its
 * memory: what is kept of it ends and is printable. */
#include <stdlib.h>
#include <string.h>

#include "cli/sandbox/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct trace t;

    memset(&t, 0, sizeof(t));
    trace_host(&t, data, len);
    trace_host(&t, data, len);
    if (t.host_count > 1)
        abort(); /* the same one twice */
    for (uint32_t i = 0; i < t.host_count; i++) {
        const struct trace_host *h = &t.hosts[i];
        size_t n = strnlen(h->address, sizeof(h->address));

        if (n == sizeof(h->address))
            abort();
        for (size_t k = 0; k < n; k++) {
            if (h->address[k] < ' ' || h->address[k] > '~')
                abort();
        }
    }
    return 0;
}
