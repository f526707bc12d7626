#ifndef SIDECAR_QUESTION_SCREEN_H
#define SIDECAR_QUESTION_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_str.h"

/*
 * Text for a terminal of a known width, in memory. What others wrote goes
 * through screen_value() alone: it shows characters whose place and width on a
 * terminal are certain, and everything else as \n, \xHH or \u{...}: controls,
 * what turns the direction of writing (and the scripts that are written from
 * the right), what joins or cannot be seen, emoji, whatever is unassigned.
 * Lines that hold a value begin with a bar, which no value can show.
 */
/* Colour codes, or empty strings. */
struct screen_codes {
    const char *bold, *dim, *red, *green, *yellow, *cyan, *reset;
};

#define SCREEN_WIDTH_MIN 40u
#define SCREEN_WIDTH_MAX 160u
#define SCREEN_OUT_MAX   (4u << 20) /* bytes */

struct screen {
    struct ts_buf *out; /* borrowed; max of SCREEN_OUT_MAX */
    struct screen_codes term;
    unsigned width;
    bool utf8;   /* or ASCII alone */
    bool failed; /* no memory, or too much: nothing of out may be shown */
    unsigned column, hang;
    bool barred, blank; /* of this line; nothing on it but indentation */
};
void screen_init(struct screen *s, struct ts_buf *out, unsigned width,
                 bool utf8, const struct screen_codes *t);

/* A line that begins at column indent, and goes on at column hang when it is
 * too long; both in characters. */
void screen_open(struct screen *s, unsigned indent, unsigned hang, bool barred);
void screen_close(struct screen *s);
void screen_style(struct screen *s, const char *code);
/* Our own words, broken at spaces. */
void screen_words(struct screen *s, const char *text);
TS_PRINTF(2, 3) void screen_say(struct screen *s, const char *fmt, ...);
/* Somebody else's, broken anywhere; quoted: " and \ are escaped as well. At
 * most max bytes of it, and of no character a part. Returns how many bytes were
 * left out. */
size_t screen_value(struct screen *s, struct ts_str v, size_t max, bool quoted);
/* "key   value" on lines of its own; key is ours. */
void screen_field(struct screen *s, const char *key, struct ts_str v);

/* The same text as screen_value() without a screen: in UTF-8, on one line, not
 * quoted, as many whole characters as fit, "..." behind them if not all do.
 * out has cap bytes, at least 16, and ends in NUL; returns its length. */
size_t screen_escape(struct ts_str v, char *out, size_t cap);

/* Letters of alphabets that look alike in one text: ASCII and Greek or
 * Cyrillic. *ret: the first that is not ASCII. */
bool screen_mixes_alphabets(struct ts_str v, uint32_t *ret);

#endif
