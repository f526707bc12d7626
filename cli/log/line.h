#ifndef CLI_LOG_LINE_H
#define CLI_LOG_LINE_H

#include <jansson.h>

#include "cli/term.h"
#include "proto/base/ts_str.h"

/* A line of the decision log as JSON, strictly; NULL if it is none. */
json_t *log_line_parse(struct ts_str line);
/* The text of a member, "" if it is no text. */
struct ts_str log_line_text(const json_t *j, const char *key);
/* One row for people. Every byte that came from outside is escaped. */
void log_line_print(const struct term *t, const json_t *j);

#endif
