#ifndef POLICY_FMT_DOC_H
#define POLICY_FMT_DOC_H

#include "policy/cedar_text.h"

/*
 * A document of one policy: words, places where a line may end, and groups. A
 * group that fits into what is left of the line, together with what follows it
 * up to the next place for a break, stays on one line; of any other, every
 * place of its own becomes a new line. What fits is known from sums, so laying
 * out costs one look at each item.
 */
enum doc_kind {
    DOC_TEXT,
    DOC_NOTE,  /* a comment behind a word: starts no new line */
    DOC_SPACE, /* nothing at the end of a line */
    DOC_LINE,  /* a space or a new line */
    DOC_SOFT,  /* nothing or a new line */
    DOC_HARD,  /* a new line; many in a row are one */
    DOC_OPEN,
    DOC_CLOSE,
    DOC_NEST /* indents the lines that begin from here on */
};

struct doc_item {
    enum doc_kind kind;
    int32_t nest;       /* DOC_NEST: columns */
    uint32_t close;     /* DOC_OPEN: index of its DOC_CLOSE */
    uint32_t hard;      /* new lines that must be, before this item */
    struct ts_str text; /* DOC_TEXT, DOC_NOTE; borrowed */
    size_t at;          /* columns of all before it, written on one line */
    size_t stop;        /* the same for the next place for a break */
};

struct doc {
    struct doc_item *items; /* owned; kept between policies */
    uint32_t count, cap;
    ts_err err; /* the first failure; items are ignored after it */
};

void doc_clear(struct doc *d);
void doc_done(struct doc *d);
void doc_text(struct doc *d, enum doc_kind kind, struct ts_str text);
void doc_put(struct doc *d, enum doc_kind kind);
void doc_nest(struct doc *d, int32_t columns);
/* Returns what doc_close() wants. */
uint32_t doc_open(struct doc *d);
void doc_close(struct doc *d, uint32_t open);

/* Appends the text and one newline; no line ends in a blank. */
TS_NODISCARD ts_err doc_render(struct doc *d, uint32_t width,
                               struct ts_buf *out);

#endif
