#ifndef TESTS_UNIT_TRIPWIRE_RIG_H
#define TESTS_UNIT_TRIPWIRE_RIG_H

#include "sidecar/common/tripwire/tripwire_priv.h"

#define TEXT_MAX (1u << 17)

struct text {
    size_t len;
    uint8_t at[TEXT_MAX];
};

/* splitmix64: the same cases every time */
uint64_t random_next(uint64_t *s);
size_t random_below(uint64_t *s, size_t n);
void append(struct text *t, const void *p, size_t n);
struct text *text_new(void);

/* The texts to be found, for a redactor that nobody can get wrong. */
#define PATTERNS_MAX (4 * TRIPWIRE_EACH_MAX)
struct naive {
    size_t count;
    size_t len[PATTERNS_MAX];
    uint8_t *pattern[PATTERNS_MAX];
};

/* A set of secrets with what belongs to it. */
struct world {
    struct ts_buf list;
    struct tripwires *set;
    struct naive naive;
    struct text *in, *want;
};

void world_add(struct world *w, const void *secret, size_t len);
void world_init(struct world *w, const char *secret);
void world_done(struct world *w);
/* Through a redactor in pieces of up to most bytes. */
uint64_t redact(const struct world *w, size_t most, uint64_t seed,
                struct ts_buf *out);

#endif
