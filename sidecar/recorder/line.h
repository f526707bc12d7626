#ifndef SIDECAR_RECORDER_LINE_H
#define SIDECAR_RECORDER_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"

struct ts_json;
struct record;

/*
 * A line of the log and its place in the chain. docs/LOG.md says the format;
 * every line begins {"v":1,"seq":N,"time":"..." and ends "prev":"<64 hex>"}.
 * The first line after something was added to the journal says "journal":N in
 * front of "prev": the number of the journal's newest entry. By then that entry
 * is durable, so a journal that ends before N is an older copy.
 */
#define LINE_HASH 32

struct chain { /* where the next line goes; zeroed = nothing written yet */
    uint64_t last_seq;
    uint8_t prev[LINE_HASH]; /* of the last line, zeros before the first */
    uint64_t journal; /* what the next line says of it; 0 = nothing new */
};

/* Appends one line with its newline to o and moves the chain on. TS_E_LIMIT:
 * no room (RECORD_LINE_MAX is always enough), or a key holds a zero byte; then
 * o and chain are as before. unix_us: microseconds since 1970. */
TS_NODISCARD ts_err line_append(struct ts_json *o, struct chain *c,
                                const struct record *r, uint64_t unix_us);

/* BLAKE2b-256(PAE("tipstaff/1/log", line)), line without its newline. */
void line_hash(uint8_t out[LINE_HASH], const char *line, size_t len);

/* RFC 3339 UTC with microseconds: 27 characters and a NUL. */
#define LINE_TIME 28
void line_time(char out[LINE_TIME], uint64_t unix_us);

/* What stands at the fixed places of a line; borrows from it. */
struct line_view {
    uint64_t seq;
    struct ts_str time;
    struct ts_str kind; /* "" if no kind stands after the time */
    uint64_t journal;   /* 0 if it says nothing of it */
    uint8_t prev[LINE_HASH];
};
/* line without its newline. TS_E_FORMAT if it is not in our form; the middle
 * is not looked at. */
TS_NODISCARD ts_err line_view(const char *line, size_t len,
                              struct line_view *ret);

/* Checks that the line is the next one and moves the chain on. TS_E_STATE: not
 * the next number; TS_E_AUTH: not the hash of the line before. */
TS_NODISCARD ts_err chain_follow(struct chain *c, const char *line, size_t len);

#endif
