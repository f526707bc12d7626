#ifndef POLICY_CORE_UTF8_H
#define POLICY_CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_str.h"

/* Writes the scalar value c as UTF-8; returns the bytes used, at most 4. */
size_t cedar_utf8_put(char *out, uint32_t c);
/* The scalar value at *at, which moves on past it. text must be strict UTF-8
 * (ts_utf8_valid) and *at the start of a character. */
uint32_t cedar_utf8_next(struct ts_str text, size_t *at);

#endif
