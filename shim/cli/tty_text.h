#ifndef SHIM_CLI_TTY_TEXT_H
#define SHIM_CLI_TTY_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * A tool's output on a terminal: hostile bytes. Line feeds, tabs and printable
 * characters stay as they are; every other control character, what turns the
 * direction of writing, what cannot be seen and what is no UTF-8 becomes \xHH
 * or \u{...}. A character that is cut by the end of a piece waits for the rest.
 */
struct tty_text { /* zeroed is one that has begun */
    uint8_t held[4];
    size_t len;  /* of held */
    size_t want; /* bytes of the character that held begins */
};
#define TTY_TEXT_ROOM(n) (4 * ((n) + 4) + 1)

/* Returns the length of what out, of TTY_TEXT_ROOM(n) bytes, holds then. */
size_t tty_text(struct tty_text *t, const uint8_t *p, size_t n, char *out);
/* The stream has ended; out has TTY_TEXT_ROOM(0) bytes. */
size_t tty_text_end(struct tty_text *t, char *out);

#endif
