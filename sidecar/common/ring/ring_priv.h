#ifndef SIDECAR_COMMON_RING_RING_PRIV_H
#define SIDECAR_COMMON_RING_RING_PRIV_H

#include <fcntl.h>
#include <stddef.h>

#include "proto/wire/limits.h"

/* The file behind a ring: one page of words, then the entries. */
#define RING_DATA_AT 4096u
#define RING_HEAD_AT 0u /* the producer's word, and the consumer's */
#define RING_TAIL_AT 64u
#define RING_MAP_LEN ((size_t)RING_DATA_AT + TS_RING_BYTES)
#define RING_SEALS   (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW)

#endif
