#ifndef CLI_JSON_LINE_H
#define CLI_JSON_LINE_H

#include <jansson.h>
#include <stdbool.h>

/*
 * One value on a line of standard output, compact and in printable ASCII alone:
 * programs read the same value, and what strangers wrote into it (DEL, C1,
 * bidi and zero-width characters) does nothing to a person's terminal. False:
 * j is NULL, there is no memory, or the line could not be written; nothing is
 * printed about it.
 */
bool cli_json_line(const json_t *j);

#endif
