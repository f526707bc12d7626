#ifndef SIDECAR_GATE_PROVENANCE_SHAPES_PRIV_H
#define SIDECAR_GATE_PROVENANCE_SHAPES_PRIV_H

#include <string.h>

#include "sidecar/gate/provenance/fold.h"
#include "sidecar/gate/provenance/shapes.h"

/*
 * Inside of shapes.h: a text that is looked through. Each finder is asked at
 * every place, in order. What it learned of a run it keeps, so that no byte is
 * looked at more often than a constant.
 */
struct text {
    const char *p;
    size_t len;
    size_t work; /* bytes looked at */
    /* Before here none begins. */
    size_t no_scheme, no_email, no_host, no_token;
    size_t no_user; /* before here no host stands behind an "@" */
};

/* What was found; nothing if end is not behind begin. */
struct span {
    size_t begin, end;
};

static inline char text_at(struct text *t, size_t i) /* in lower case */
{
    char c = '\0';

    if (i < t->len) {
        t->work++;
        c = t->p[i];
    }
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}
static inline bool text_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool text_is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}
static inline bool text_is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}
static inline bool text_is_alnum(char c)
{
    return text_is_digit(c) || text_is_letter(c);
}
/* Neither letter nor digit on either side. */
static inline bool text_is_alone(struct text *t, struct span s)
{
    return (s.begin == 0 || !text_is_alnum(text_at(t, s.begin - 1))) &&
           !text_is_alnum(text_at(t, s.end));
}

/* The end of a link whose host may go on at `from`. */
size_t text_link_end(struct text *t, size_t from);

/* A name with dots, from where it begins. */
enum name_kind {
    NAME_NONE = 0, /* no dot in it */
    NAME_OTHER,    /* of no top name */
    NAME_NUMBERS,  /* nothing but digits */
    NAME_IPV4,
    NAME_VAGUE, /* top_names.h, or beyond ASCII */
    NAME_CLEAR
};
struct name {
    size_t begin, end; /* without marks at its ends */
    size_t stop;       /* what was looked through */
    enum name_kind kind;
    bool marked; /* "_" in one of the last two */
    bool cut;    /* ends where a sentence goes on without a space */
};
struct name text_name(struct text *t, size_t i);

/* Each of these: what begins at i, or behind it. */
struct span text_url(struct text *t, size_t i);
struct span text_email(struct text *t, size_t i);
struct span text_host(struct text *t, size_t i);
struct span text_account(struct text *t, size_t i);
struct span text_wallet(struct text *t, size_t i);
struct span text_card(struct text *t, size_t i);
struct span text_code(struct text *t, size_t i);

#endif
