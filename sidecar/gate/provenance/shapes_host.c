/* What is known by its shape: mail addresses, and hosts without a scheme. */
#include <string.h>

#include "sidecar/gate/provenance/shapes_priv.h"
#include "sidecar/gate/provenance/top_names.h"

#define IPV6_MAX 45
#define PORT_MAX 5

/* One part of a name. */
struct part {
    size_t begin, end; /* without marks at its end */
    char low[TOP_LABEL_MAX + 1];
    size_t count;      /* letters and digits; beyond the room of low, too */
    bool wide, narrow; /* has letters beyond ASCII, and not */
    bool low_wide;     /* ... of two bytes */
    bool other_than_digits;
    bool marked, pending; /* "_": inside; perhaps at the end */
    size_t marks;         /* "-" and "_" that may be at the end */
    size_t tall;  /* the first character of three bytes or more behind ASCII */
    size_t after; /* 1 + the first letter behind the last of those; 0: none */
    bool upper;   /* its first letter */
};

struct naming {
    struct name n;
    struct part p, last;
    size_t parts, numbers, bytes; /* bytes: numbers up to 255 */
    bool marked_before;
    size_t cut; /* 0: nowhere */
};

static struct fold at_fold(struct text *t, size_t i)
{
    struct fold f = {.kind = FOLD_ASCII, .c = '\0', .len = 1};

    if (i >= t->len)
        return f;
    if ((unsigned char)t->p[i] < 0x80 && t->p[i] != '[' && t->p[i] != '(')
        f.c = text_at(t, i);
    else
        f = fold_at(t->p + i, t->len - i);
    t->work += f.len;
    return f;
}

static bool is_tall(struct text *t, size_t i)
{
    return (unsigned char)t->p[i] >= 0xe0;
}

/* Letters of any script, and not the signs that stand between words. */
static bool is_wide_letter(struct text *t, size_t i, struct fold f)
{
    const unsigned char c = (unsigned char)t->p[i];

    return f.kind == FOLD_WIDE && f.len > 1 && c != 0xc2 && c != 0xe2 &&
           c < 0xf0 && !(c == 0xe3 && (unsigned char)t->p[i + 1] == 0x80);
}

static bool is_letter(struct text *t, size_t i, struct fold f)
{
    return (f.kind == FOLD_ASCII && text_is_alnum(f.c)) ||
           is_wide_letter(t, i, f);
}

static enum top_name top_of(const struct part *p)
{
    if (p->wide && !p->narrow)
        return TOP_VAGUE;
    if (p->count > TOP_LABEL_MAX || p->low_wide || (p->wide && p->tall == 0))
        return TOP_NONE;
    return top_name_of((struct ts_str){.ptr = p->low, .len = p->count});
}

static void add_low(struct part *p, char c)
{
    if (p->count < TOP_LABEL_MAX)
        p->low[p->count] = c;
    p->count++;
}

static void add_letter(struct text *t, struct part *p, size_t i, struct fold f)
{
    size_t marks = p->marks;

    p->marks = 0;
    if (p->pending)
        p->marked = true;
    p->pending = false;
    if (p->count == 0 && !p->wide) {
        p->begin = i;
        p->upper = t->p[i] >= 'A' && t->p[i] <= 'Z';
    }
    if (f.kind == FOLD_WIDE && is_tall(t, i)) {
        if (p->narrow && p->tall == 0)
            p->tall = i;
        p->after = 0;
    } else if (p->after == 0) {
        p->after = i + 1;
    }
    p->wide = p->wide || f.kind == FOLD_WIDE;
    p->low_wide = p->low_wide || (f.kind == FOLD_WIDE && !is_tall(t, i));
    p->end = i + f.len;
    if (f.kind == FOLD_WIDE || p->tall > 0)
        return;
    p->narrow = true;
    p->other_than_digits =
        p->other_than_digits || marks > 0 || !text_is_digit(f.c);
    for (; marks > 0; marks--)
        add_low(p, '-');
    add_low(p, f.c);
}

static bool is_empty(const struct part *p)
{
    return p->count == 0 && !p->wide;
}

/* A part is over, at its dot or at the end of all. */
static void close_part(struct naming *g)
{
    const struct part *p = &g->p;
    unsigned value = 0;

    if (g->parts == 0)
        g->n.begin = p->narrow && p->after > 0 ? p->after - 1 : p->begin;
    if (!p->wide && !p->other_than_digits) {
        g->numbers++;
        for (size_t k = 0; k < p->count && k < 4; k++)
            value = value * 10 + (unsigned)(p->low[k] - '0');
        g->bytes += p->count <= 3 && value <= 255;
    }
    g->marked_before = g->parts > 0 && g->last.marked;
    g->last = *p;
    g->parts++;
    g->p = (struct part){0};
}

/* At a dot: does a sentence go on behind it? "pay.example.Then" */
static void may_cut(struct text *t, struct naming *g, size_t next)
{
    const struct part *l = &g->last;

    if (g->parts > 1 && next < t->len && t->p[next] >= 'A' &&
        t->p[next] <= 'Z' && !l->upper && !l->marked && !g->marked_before &&
        l->tall == 0 && top_of(l) == TOP_CLEAR)
        g->cut = l->end;
}

static void decide(struct naming *g)
{
    const struct part *l = &g->last;
    const enum top_name top = top_of(l);

    g->n.end = l->tall > 0 ? l->tall : l->end;
    g->n.marked = l->marked || g->marked_before;
    if (g->parts < 2)
        g->n.kind = NAME_NONE;
    else if (!l->wide && !l->other_than_digits)
        g->n.kind = g->parts == 4 && g->bytes == 4 ? NAME_IPV4 : NAME_NUMBERS;
    else
        g->n.kind = top == TOP_CLEAR   ? NAME_CLEAR
                    : top == TOP_VAGUE ? NAME_VAGUE
                                       : NAME_OTHER;
    if (g->cut == 0 || g->n.kind == NAME_CLEAR)
        return;
    g->n.end = g->cut;
    g->n.kind = NAME_CLEAR;
    g->n.marked = false;
    g->n.cut = true;
}

struct name text_name(struct text *t, size_t i)
{
    struct naming g = {.n = {.begin = i, .end = i}};
    size_t at = i;

    while (at < t->len) {
        const struct fold f = at_fold(t, at);
        const size_t here = at;

        if (is_letter(t, at, f)) {
            add_letter(t, &g.p, at, f);
        } else if (f.kind == FOLD_ASCII && (f.c == '_' || f.c == '-')) {
            g.p.pending = g.p.pending || f.c == '_';
            g.p.marks++;
        } else if (f.kind == FOLD_ASCII && f.c == '.' && !is_empty(&g.p)) {
            g.p.marked = g.p.marked || g.p.pending;
            close_part(&g);
            may_cut(t, &g, here + f.len);
        } else if (f.kind != FOLD_NOTHING) {
            break;
        }
        at += f.len;
    }
    g.n.stop = at;
    if (!is_empty(&g.p))
        close_part(&g);
    if (g.parts > 0)
        decide(&g);
    return g.n;
}

/* ---- mail addresses ------------------------------------------------------ */

static bool is_local(struct text *t, size_t i, struct fold f)
{
    if (f.kind == FOLD_WIDE)
        return !is_tall(t, i) && is_wide_letter(t, i, f);
    return f.kind == FOLD_NOTHING || text_is_alnum(f.c) || f.c == '_' ||
           (f.len == 1 && (f.c == '.' || f.c == '+' || f.c == '-'));
}

struct span text_email(struct text *t, size_t i)
{
    struct span none = {i, i}, s = {.begin = i};
    struct fold f;
    struct name n;
    size_t at = i;

    if (i < t->no_email)
        return none;
    f = at_fold(t, i);
    if (!is_local(t, i, f) || f.kind == FOLD_NOTHING ||
        (f.kind == FOLD_ASCII && !text_is_alnum(f.c) && f.c != '_'))
        return none;
    while (at < t->len && is_local(t, at, f = at_fold(t, at)))
        at += f.len;
    t->no_email = at; /* nor from anywhere inside of this run */
    if (at >= t->len || f.kind != FOLD_ASCII || f.c != '@')
        return none;
    n = text_name(t, at + f.len);
    if (n.kind == NAME_NONE || n.kind == NAME_NUMBERS || n.kind == NAME_IPV4)
        return none;
    s.end = n.end;
    return s;
}

/* ---- hosts --------------------------------------------------------------- */

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

/* May a host begin at i? Behind two slashes, which begin one: *net. */
static bool may_begin(struct text *t, size_t i, bool *net)
{
    const char before = i > 0 ? text_at(t, i - 1) : ' ';
    const char first = i > 1 ? text_at(t, i - 2) : ' ';

    *net = is_slash(before) && is_slash(first);
    return *net || (!is_slash(before) && !text_is_alnum(before) &&
                    (before != '.' || first == '.'));
}

/* A port behind a name: its end, or where it would begin. */
static size_t port(struct text *t, size_t i)
{
    size_t end = i + 1;

    if (text_at(t, i) != ':')
        return i;
    while (end - i <= PORT_MAX && text_is_digit(text_at(t, end)))
        end++;
    return end > i + 1 ? end : i;
}

static bool begins_path(struct text *t, size_t i, bool digits)
{
    const char next = text_at(t, i + 1);

    return i + 1 < t->len &&
           (text_is_letter(next) || (digits && text_is_digit(next)) ||
            next == '%' || next == '~' || (unsigned char)next >= 0x80);
}

static bool is_host(struct text *t, const struct name *n, bool net,
                    size_t behind)
{
    const bool has_port = behind > n->end;
    const char c = text_at(t, behind);

    switch (n->kind) {
    case NAME_CLEAR:
        return !n->marked;
    case NAME_VAGUE:
        return !n->marked && (net || ((c == '/' || c == '?') &&
                                      begins_path(t, behind, true)));
    case NAME_IPV4:
        return net || has_port || (c == '/' && begins_path(t, behind, false));
    case NAME_NONE:
    case NAME_OTHER:
    case NAME_NUMBERS:
        break;
    }
    return false;
}

/* "[2001:db8::1]:80" */
static struct span ipv6(struct text *t, size_t i)
{
    struct span s = {i, i};
    size_t end = i + 1, colons = 0;
    char c;

    while (end - i <= IPV6_MAX &&
           text_is_one_of(c = text_at(t, end), "0123456789abcdef:.")) {
        colons += c == ':';
        end++;
    }
    if (colons < 2 || text_at(t, end) != ']')
        return s;
    c = text_at(t, end + 1);
    if (c == '/' || port(t, end + 1) > end + 1)
        s.end = text_link_end(t, end + 1);
    return s;
}

/* Behind a plain word without a dot, as most are; i if it may be a name. */
static size_t plain_word(struct text *t, size_t i)
{
    size_t end = i;
    char c = text_at(t, end);

    while (text_is_alnum(c) || c == '-' || c == '_')
        c = text_at(t, ++end);
    return (unsigned char)c < 0x80 && !text_is_one_of(c, ".[(") ? end : i;
}

struct span text_host(struct text *t, size_t i)
{
    struct span none = {i, i}, s;
    struct name n;
    size_t behind;
    bool net, may;

    if (i < t->no_host)
        return none;
    if (t->p[i] == '[' && !is_letter(t, i, at_fold(t, i)))
        return ipv6(t, i);
    if (!is_letter(t, i, at_fold(t, i)))
        return none;
    behind = plain_word(t, i);
    if (behind > i) {
        t->no_host = behind;
        return none;
    }
    may = may_begin(t, i, &net);
    n = text_name(t, i);
    t->no_host = n.stop;
    behind = n.cut ? n.end : port(t, n.end);
    if (!may || !is_host(t, &n, net, behind))
        return none;
    s = (struct span){.begin = n.begin, .end = n.end};
    if (!n.cut)
        s.end = behind;
    if (!n.cut && text_is_one_of(text_at(t, behind), "/\\?#"))
        s.end = text_link_end(t, behind);
    return s;
}
