/* A unified diff of two texts: longest common subsequence of what is left when
 * the equal head and tail are set aside. */
#include "cli/policy/line_diff.h"

#include <string.h>

#include "cli/policy/report.h"

#define CONTEXT 3

struct lines {
    struct ts_str *list;
    size_t count;
};

/* keep[i]: line i of the old text stays; the new text's in the same order. */
struct edit {
    struct lines a, b;
    bool *keep_a, *keep_b;
};

static bool split(struct ts_arena *arena, struct ts_str s, struct lines *ret)
{
    size_t n = 1;
    void *mem;

    for (size_t i = 0; i < s.len; i++)
        n += s.ptr[i] == '\n' ? 1 : 0;
    if (ts_arena_array(arena, n, sizeof(*ret->list), &mem) != TS_OK)
        return false;
    ret->list = mem;
    ret->count = 0;
    while (s.len > 0) {
        const char *nl = memchr(s.ptr, '\n', s.len);
        size_t len = nl != NULL ? (size_t)(nl - s.ptr) + 1 : s.len;

        ret->list[ret->count++] = (struct ts_str){.ptr = s.ptr, .len = len};
        s.ptr += len;
        s.len -= len;
    }
    return true;
}

/* Walks the table of best[i][j], the direction taken at each pair. */
static void trace(struct edit *e, const unsigned char *way, size_t from,
                  size_t n, size_t m)
{
    size_t i = 0, j = 0;

    while (i < n && j < m) {
        unsigned char w = way[i * m + j];

        if (w == 0) {
            e->keep_a[from + i++] = true;
            e->keep_b[from + j++] = true;
        } else if (w == 1) {
            i++;
        } else {
            j++;
        }
    }
}

/* The longest common subsequence of a[from, from+n) and b[from, from+m). */
static bool match(struct ts_arena *arena, struct edit *e, size_t from, size_t n,
                  size_t m)
{
    unsigned char *way;
    uint32_t *next, *now, *swap;
    void *mem, *rows;

    if (n == 0 || m == 0)
        return true;
    if (n > LINE_DIFF_CELLS / m)
        return true; /* nothing in common, then: still a true diff */
    if (ts_arena_alloc(arena, n * m, &mem) != TS_OK ||
        ts_arena_array(arena, 2 * (m + 1), sizeof(uint32_t), &rows) != TS_OK)
        return false;
    way = mem;
    next = rows;
    now = next + m + 1;
    for (size_t i = n; i-- > 0;) {
        now[m] = 0;
        for (size_t j = m; j-- > 0;) {
            bool same = ts_str_eq(e->a.list[from + i], e->b.list[from + j]);
            bool down = next[j] >= now[j + 1];

            way[i * m + j] = same ? 0 : (down ? 1 : 2);
            now[j] = same ? next[j + 1] + 1 : (down ? next[j] : now[j + 1]);
        }
        swap = next;
        next = now;
        now = swap;
    }
    trace(e, way, from, n, m);
    return true;
}

static bool compare(struct ts_arena *arena, struct edit *e)
{
    size_t n = e->a.count, m = e->b.count, head = 0, tail = 0;
    void *ka, *kb;

    if (ts_arena_array(arena, n + 1, sizeof(bool), &ka) != TS_OK ||
        ts_arena_array(arena, m + 1, sizeof(bool), &kb) != TS_OK)
        return false;
    e->keep_a = ka;
    e->keep_b = kb;
    while (head < n && head < m && ts_str_eq(e->a.list[head], e->b.list[head]))
        head++;
    while (tail < n - head && tail < m - head &&
           ts_str_eq(e->a.list[n - 1 - tail], e->b.list[m - 1 - tail]))
        tail++;
    memset(e->keep_a, 1, head);
    memset(e->keep_b, 1, head);
    memset(e->keep_a + n - tail, 1, tail);
    memset(e->keep_b + m - tail, 1, tail);
    return match(arena, e, head, n - head - tail, m - head - tail);
}

static void put_line(FILE *to, const struct term *t, char sign, struct ts_str s)
{
    const char *colour = sign == '-' ? t->red : (sign == '+' ? t->green : "");
    bool whole = s.len > 0 && s.ptr[s.len - 1] == '\n';

    (void)fprintf(to, "%s%c", colour, sign);
    for (size_t i = 0; i < s.len - (whole ? 1 : 0); i++) {
        size_t n = i;

        while (n < s.len - (whole ? 1 : 0) && s.ptr[n] != '\t')
            n++;
        term_put(to, (struct ts_str){.ptr = s.ptr + i, .len = n - i});
        if (n < s.len && s.ptr[n] == '\t')
            (void)fputc('\t', to);
        i = n;
    }
    (void)fprintf(to, "%s\n", t->reset);
    if (!whole)
        (void)fputs("\\ No newline at end of file\n", to);
}

struct place {
    size_t a, b;
};

/* One step: a line that stays, or one that goes, or one that comes. */
static char step(const struct edit *e, struct place *p)
{
    if (p->a < e->a.count && !e->keep_a[p->a]) {
        p->a++;
        return '-';
    }
    if (p->b < e->b.count && !e->keep_b[p->b]) {
        p->b++;
        return '+';
    }
    p->a++;
    p->b++;
    return ' ';
}

static bool at_end(const struct edit *e, const struct place *p)
{
    return p->a == e->a.count && p->b == e->b.count;
}

/* Where the hunk that begins at p ends: after the last change that is not
 * followed by more than twice the context of equal lines. */
static struct place hunk_end(const struct edit *e, struct place p)
{
    struct place end = p;
    size_t equal = 0;

    while (!at_end(e, &p) && equal <= 2 * (size_t)CONTEXT) {
        equal = step(e, &p) == ' ' ? equal + 1 : 0;
        if (equal <= CONTEXT)
            end = p;
    }
    return end;
}

static void put_hunk(FILE *to, const struct term *t, const struct edit *e,
                     struct place p, struct place end)
{
    size_t n = end.a - p.a, m = end.b - p.b;

    (void)fprintf(to, "%s@@ -%zu,%zu +%zu,%zu @@%s\n", t->cyan,
                  n > 0 ? p.a + 1 : p.a, n, m > 0 ? p.b + 1 : p.b, m, t->reset);
    while (p.a < end.a || p.b < end.b) {
        struct place was = p;
        char sign = step(e, &p);

        put_line(to, t, sign,
                 sign == '+' ? e->b.list[was.b] : e->a.list[was.a]);
    }
}

void line_diff_print(FILE *to, const struct term *t, struct ts_arena *arena,
                     const char *name, struct ts_str before,
                     struct ts_str after)
{
    struct edit e = {0};
    struct place p = {0};

    if (!split(arena, before, &e.a) || !split(arena, after, &e.b) ||
        !compare(arena, &e)) {
        (void)fprintf(to, "%s differs\n", name);
        return;
    }
    (void)fprintf(to, "%s--- %s\n+++ %s (formatted)%s\n", t->bold, name, name,
                  t->reset);
    while (!at_end(&e, &p)) {
        struct place next = p, start = p, end;

        if (step(&e, &next) == ' ') {
            p = next;
            continue;
        }
        /* lines that stay before a hunk are the same on both sides */
        for (int i = 0; i < CONTEXT && start.a > 0 && start.b > 0 &&
                        e.keep_a[start.a - 1] && e.keep_b[start.b - 1];
             i++) {
            start.a--;
            start.b--;
        }
        end = hunk_end(&e, p);
        put_hunk(to, t, &e, start, end);
        p = end;
    }
}
