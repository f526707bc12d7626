#ifndef POLICY_CORE_UTF8_H
#define POLICY_CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Writes the scalar value c as UTF-8; returns the bytes used, at most 4. */
size_t cedar_utf8_put(char *out, uint32_t c);

#endif
