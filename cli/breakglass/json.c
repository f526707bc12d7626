#include <stdio.h>

#include "cli/breakglass/breakglass.h"
#include "cli/cmd.h"

/* DEL is ASCII to jansson, and no byte for a terminal. */
static int on_piece(const char *p, size_t n, void *data)
{
    (void)data;
    for (size_t i = 0; i < n; i++)
        if ((p[i] == 0x7f ? fputs("\\u007f", stdout) : fputc(p[i], stdout)) ==
            EOF)
            return -1;
    return 0;
}

bool breakglass_json(json_t *j)
{
    int done = j != NULL ? json_dump_callback(j, on_piece, NULL,
                                              JSON_COMPACT | JSON_ENSURE_ASCII)
                         : -1;

    json_decref(j);
    if (done == 0 && fputc('\n', stdout) != EOF && fflush(stdout) == 0)
        return true;
    cli_error("out of memory, or standard output does not take more");
    return false;
}
