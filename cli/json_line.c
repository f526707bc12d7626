#include "cli/json_line.h"

#include <stdio.h>

/* DEL is ASCII to jansson, and none to a terminal. */
static int on_piece(const char *p, size_t n, void *data)
{
    (void)data;
    for (size_t i = 0; i < n; i++)
        if ((p[i] == 0x7f ? fputs("\\u007f", stdout) : fputc(p[i], stdout)) ==
            EOF)
            return -1;
    return 0;
}

bool cli_json_line(const json_t *j)
{
    return j != NULL &&
           json_dump_callback(j, on_piece, NULL,
                              JSON_COMPACT | JSON_ENSURE_ASCII |
                                  JSON_ENCODE_ANY) == 0 &&
           fputc('\n', stdout) != EOF;
}
