#include "policy/fmt/doc.h"

#include <string.h>

#include "policy/core/columns.h"
#include "proto/base/ts_mem.h"

void doc_clear(struct doc *d)
{
    d->count = 0;
    d->err = TS_OK;
}

void doc_done(struct doc *d)
{
    ts_mem_free(d->items);
    *d = (struct doc){0};
}

static void grow(struct doc *d)
{
    uint32_t cap = d->cap > 0 ? d->cap * 2 : 256;
    struct doc_item *items = NULL;

    if (cap <= UINT32_MAX / 4)
        items = ts_mem_alloc(cap * sizeof(*items));
    if (items == NULL) {
        d->err = TS_E_NOMEM;
        return;
    }
    if (d->count > 0)
        memcpy(items, d->items, d->count * sizeof(*items));
    ts_mem_free(d->items);
    d->items = items;
    d->cap = cap;
}

static struct doc_item *add(struct doc *d, enum doc_kind kind)
{
    struct doc_item *it;

    if (d->err == TS_OK && d->count == d->cap)
        grow(d);
    if (d->err != TS_OK)
        return NULL;
    it = &d->items[d->count++];
    *it = (struct doc_item){.kind = kind};
    return it;
}

void doc_text(struct doc *d, enum doc_kind kind, struct ts_str text)
{
    struct doc_item *it = add(d, kind);

    if (it != NULL)
        it->text = text;
}

void doc_put(struct doc *d, enum doc_kind kind)
{
    (void)add(d, kind);
}

void doc_nest(struct doc *d, int32_t columns)
{
    struct doc_item *it = add(d, DOC_NEST);

    if (it != NULL)
        it->nest = columns;
}

uint32_t doc_open(struct doc *d)
{
    uint32_t at = d->count;

    (void)add(d, DOC_OPEN);
    return at;
}

void doc_close(struct doc *d, uint32_t open)
{
    if (add(d, DOC_CLOSE) != NULL)
        d->items[open].close = d->count - 1;
}

static bool may_break(enum doc_kind kind)
{
    return kind == DOC_LINE || kind == DOC_SOFT || kind == DOC_HARD ||
           kind == DOC_NOTE;
}

/* Sums: how far each item stands from the start if nothing breaks, and how far
 * the next break. */
static void measure(struct doc *d)
{
    size_t at = 0, stop;
    uint32_t hard = 0;

    for (uint32_t i = 0; i < d->count; i++) {
        struct doc_item *it = &d->items[i];

        it->at = at;
        it->hard = hard;
        if (it->kind == DOC_TEXT)
            at += cedar_columns_of(it->text);
        else if (it->kind == DOC_SPACE || it->kind == DOC_LINE)
            at++;
        hard += it->kind == DOC_HARD || it->kind == DOC_NOTE ? 1 : 0;
    }
    stop = at;
    for (uint32_t i = d->count; i-- > 0;) {
        if (may_break(d->items[i].kind))
            stop = d->items[i].at;
        d->items[i].stop = stop;
    }
}

struct pen {
    struct ts_buf *out;
    size_t column;
    size_t indent;
    size_t new_indent;
    bool newline; /* owed: written with the next word */
    bool space;   /* the same */
    bool started;
    ts_err err;
};

static void ink(struct pen *p, const char *s, size_t n)
{
    if (p->err == TS_OK)
        p->err = ts_buf_append(p->out, s, n);
}

static void ink_blanks(struct pen *p, size_t n)
{
    static const char blanks[] = "                                ";

    while (n > 0) {
        size_t k = n < sizeof(blanks) - 1 ? n : sizeof(blanks) - 1;

        ink(p, blanks, k);
        n -= k;
    }
}

static void new_line(struct pen *p)
{
    p->newline = p->started;
    p->space = false;
    p->new_indent = p->indent;
}

static void word(struct pen *p, const struct doc_item *it)
{
    if (p->newline) {
        ink(p, "\n", 1);
        ink_blanks(p, p->new_indent);
        p->column = p->new_indent;
    } else if (p->space) {
        ink(p, " ", 1);
        p->column++;
    }
    p->newline = p->space = false;
    p->started = true;
    ink(p, it->text.ptr, it->text.len);
    p->column += cedar_columns_of(it->text);
}

static bool fits(const struct doc *d, const struct pen *p, uint32_t open,
                 uint32_t width)
{
    const struct doc_item *o = &d->items[open], *c = &d->items[o->close];
    size_t column = p->newline ? p->new_indent : p->column;

    return c->hard == o->hard && column + (p->space ? 1 : 0) <= width &&
           c->stop - o->at <= width - column - (p->space ? 1 : 0);
}

ts_err doc_render(struct doc *d, uint32_t width, struct ts_buf *out)
{
    struct pen p = {.out = out};
    uint32_t flat_until = 0;

    if (d->err != TS_OK)
        return d->err;
    measure(d);
    for (uint32_t i = 0; i < d->count && p.err == TS_OK; i++) {
        const struct doc_item *it = &d->items[i];
        bool flat = i < flat_until;

        switch (it->kind) {
        case DOC_TEXT:
            word(&p, it);
            break;
        case DOC_NOTE:
            p.space = !p.newline && p.started;
            word(&p, it);
            break;
        case DOC_SPACE:
            p.space = !p.newline && p.started;
            break;
        case DOC_LINE:
            if (flat)
                p.space = !p.newline && p.started;
            else
                new_line(&p);
            break;
        case DOC_SOFT:
            if (!flat)
                new_line(&p);
            break;
        case DOC_HARD:
            new_line(&p);
            break;
        case DOC_OPEN:
            if (!flat && fits(d, &p, i, width))
                flat_until = it->close;
            break;
        case DOC_NEST:
            p.indent = (size_t)((ptrdiff_t)p.indent + it->nest);
            break;
        case DOC_CLOSE:
            break;
        }
    }
    ink(&p, "\n", 1);
    return p.err;
}
