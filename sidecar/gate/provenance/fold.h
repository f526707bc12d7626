#ifndef SIDECAR_GATE_PROVENANCE_FOLD_H
#define SIDECAR_GATE_PROVENANCE_FOLD_H

#include <stddef.h>
#include <stdint.h>

/*
 * A character as a reader or a browser takes it (UTS #46, and how links are
 * made harmless in mails): what cannot be seen is nothing, full-width letters
 * and signs are their ASCII ones, and each of these is a dot: U+3002, U+FF61,
 * "[.]", "(.)", "[dot]", "(dot)". Letters that only look alike stay different.
 */
enum fold_kind {
    FOLD_ASCII = 1, /* c, in lower case */
    FOLD_NOTHING,   /* soft hyphen, zero width, direction, variation, ... */
    FOLD_WIDE       /* a character beyond ASCII, or a byte that is none */
};
struct fold {
    enum fold_kind kind;
    char c;
    uint8_t len; /* bytes of it, 1 or more */
};
/* left >= 1. Reads nothing behind p + left. */
struct fold fold_at(const char *p, size_t left);

#endif
