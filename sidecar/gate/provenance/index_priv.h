#ifndef SIDECAR_GATE_PROVENANCE_INDEX_PRIV_H
#define SIDECAR_GATE_PROVENANCE_INDEX_PRIV_H

#include "sidecar/gate/provenance/canon.h"
#include "sidecar/gate/provenance/index.h"

/*
 * Inside of the index. Three arrays that only grow, and a table:
 *
 *     text    canonical leaves, each between NUL bytes (which are in none)
 *     leaves  in the order of their text
 *     posts   a place in text where a word begins, linked per word and source
 *     words   open addressing by the word's hash; also whole leaves, numbers
 *             and ids, each kind hashed with a letter of its own before it
 */
#define INDEX_SOURCES                                                          \
    3 /* prompt, trusted, untrusted: each lists of its own                     \
       */
#define INDEX_END UINT32_MAX

enum index_entry { /* what is hashed with what stands for */
    INDEX_WORD = 'w',
    INDEX_WHOLE = 'l',
    INDEX_NUMBER = 'n',
    INDEX_ID = 'i'
};

struct index_leaf {
    uint32_t at, len; /* in text */
    uint32_t call, place;
    struct prov_label label;
};
struct index_post {
    uint32_t at; /* a word: its place in text; otherwise the leaf's number */
    uint32_t next;
};
struct index_word {
    uint64_t hash; /* 0: free */
    uint32_t head[INDEX_SOURCES];
    uint32_t count[INDEX_SOURCES];
};

struct grown { /* an array in one block of memory */
    void *p;
    uint32_t count, cap;
};

struct prov_index {
    uint8_t key[16];
    size_t max_bytes, bytes;
    uint64_t lost;
    struct grown text, leaves, posts;
    struct index_word *words;
    uint32_t word_cap, word_count; /* cap: a power of two, or 0 */
    size_t work_left;              /* of prov_index_limit() */
    uint32_t secrets;              /* leaves to look for in contents */
    struct ts_buf scratch; /* canonical form of what is looked for: kept, so
                              that no look-up of a short value allocates */
};

static inline const char *index_text(const struct prov_index *x)
{
    return x->text.p;
}
static inline const struct index_leaf *index_leaves(const struct prov_index *x)
{
    return x->leaves.p;
}
static inline const struct index_post *index_posts(const struct prov_index *x)
{
    return x->posts.p;
}

/* Of what scratch keeps from one look-up to the next. */
#define INDEX_SCRATCH_KEPT 4096
void index_scratch_done(struct prov_index *x);

uint64_t index_hash(const struct prov_index *x, enum index_entry kind,
                    const void *p, size_t len);
uint64_t index_hash_number(const struct prov_index *x,
                           const struct canon_number *n);
/* NULL: nothing was ever added under it. */
const struct index_word *index_word_find(const struct prov_index *x,
                                         uint64_t hash);
/* The leaf in whose text a place lies. */
const struct index_leaf *index_leaf_at(const struct prov_index *x, uint32_t at);

#endif
