#include "naive_shapes.h"

#include <string.h>

#include "proto/base/ts_require.h"
#include "sidecar/gate/provenance/shapes_priv.h"
#include "sidecar/gate/provenance/top_names.h"

enum {
    INVISIBLE = -1,
    LOW = -2,
    TALL = -3,
    OTHER = -4
};

struct ch {
    int c; /* ASCII in lower case, or one of those */
    size_t at, end;
};

static char raw(struct ts_str t, size_t i)
{
    return i < t.len ? t.ptr[i] : '\0';
}

static char low(struct ts_str t, size_t i)
{
    char c = raw(t, i);

    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool has(struct ts_str t, size_t i, const char *word)
{
    for (size_t k = 0; word[k] != '\0'; k++)
        if (low(t, i + k) != word[k])
            return false;
    return true;
}

static int class_of(uint32_t c)
{
    static const uint32_t nothing[][2] = {
        {0xad, 0xad},     {0x34f, 0x34f},   {0x61c, 0x61c},
        {0x180b, 0x180f}, {0x200b, 0x200f}, {0x202a, 0x202e},
        {0x2060, 0x206f}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}};

    if (c == 0x3002 || c == 0xff61)
        return '.';
    if (c > 0xff00 && c < 0xff5f) {
        c -= 0xfee0;
        return (int)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    for (size_t k = 0; k < sizeof(nothing) / sizeof(nothing[0]); k++)
        if (c >= nothing[k][0] && c <= nothing[k][1])
            return INVISIBLE;
    if (c >> 12 == 0xe0)
        return INVISIBLE;
    if (c < 0xc0 || (c >= 0x2000 && c < 0x3040) || c > 0xffff)
        return OTHER;
    return c < 0x800 ? LOW : TALL;
}

static struct ch at(struct ts_str t, size_t i)
{
    static const char *const dots[] = {"[.]", "(.)", "[dot]", "(dot)"};
    const unsigned char b = (unsigned char)raw(t, i);
    struct ch ch = {.c = (unsigned char)low(t, i), .at = i, .end = i + 1};
    size_t more = b >= 0xf0 ? 3 : b >= 0xe0 ? 2 : 1;
    uint32_t c = b >= 0xf0 ? b & 7u : b >= 0xe0 ? b & 15u : b & 31u;

    for (size_t k = 0; k < 4; k++)
        if (has(t, i, dots[k]))
            return (struct ch){'.', i, i + strlen(dots[k])};
    if (b < 0x80)
        return ch;
    ch.c = OTHER;
    if (b < 0xc0 || i + more >= t.len)
        return ch;
    for (size_t k = 1; k <= more; k++) {
        if (((unsigned char)t.ptr[i + k] & 0xc0) != 0x80)
            return ch;
        c = c << 6 | ((unsigned char)t.ptr[i + k] & 63u);
    }
    if (c < (more == 1 ? 0x80u : more == 2 ? 0x800u : 0x10000u))
        return ch;
    ch.end = i + more + 1;
    ch.c = class_of(c);
    return ch;
}

static bool is_ascii(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_letter(int c)
{
    return is_ascii(c) || c == LOW || c == TALL;
}

/* ---- names --------------------------------------------------------------- */

struct label {
    char ascii[64]; /* without marks at its end, up to `cut` */
    size_t n, begin, end, behind_tall, cut;
    bool digits, narrow, wide, lows, marked, capital;
};

/* chars: no dot, some letter in it, invisible ones gone. */
static void read_label(struct ts_str t, const struct ch *c, size_t n,
                       bool is_last, struct label *l)
{
    size_t letters = n, first = 0;

    l->n = 0;
    l->cut = l->behind_tall = 0;
    l->digits = true;
    l->narrow = l->wide = l->lows = l->marked = false;
    while (!is_letter(c[letters - 1].c))
        letters--;
    while (!is_letter(c[first].c))
        first++;
    l->begin = c[first].at;
    l->end = c[letters - 1].end;
    l->capital = raw(t, l->begin) >= 'A' && raw(t, l->begin) <= 'Z';
    for (size_t i = 0; i < n; i++)
        l->marked = l->marked || (c[i].c == '_' && (i < letters || !is_last));
    for (size_t i = 0; i < letters; i++) {
        size_t next = i;

        if (c[i].c == TALL && l->narrow && l->cut == 0)
            l->cut = c[i].at;
        if (c[i].c == TALL || c[i].c == LOW)
            l->wide = true;
        l->lows = l->lows || c[i].c == LOW;
        if (l->cut != 0 || c[i].c == TALL || c[i].c == LOW)
            continue;
        while (!is_letter(c[next].c))
            next++;
        if (!is_ascii(c[next].c))
            continue; /* a mark before what is not ASCII */
        l->narrow = l->narrow || is_ascii(c[i].c);
        l->digits = l->digits && c[i].c >= '0' && c[i].c <= '9';
        if (l->n < sizeof(l->ascii))
            l->ascii[l->n] = is_ascii(c[i].c) ? (char)c[i].c : '-';
        l->n++;
    }
    for (size_t i = letters; i-- > 0 && c[i].c != TALL;)
        if (is_letter(c[i].c))
            l->behind_tall = c[i].at + 1;
}

static enum top_name top(const struct label *l)
{
    if (l->wide && !l->narrow)
        return TOP_VAGUE;
    if (l->n > 63 || l->lows || (l->wide && l->cut == 0))
        return TOP_NONE;
    return top_name_of((struct ts_str){l->ascii, l->n});
}

static struct name name_at(struct ts_str t, size_t i)
{
    static struct ch c[NAIVE_TEXT];
    static struct label l, last;
    struct name r = {.begin = i, .end = i, .stop = i};
    size_t n = 0, from = 0, parts = 0, small = 0, cut = 0;
    bool some = false, marked = false;

    for (size_t k = i; k < t.len; k = r.stop) {
        struct ch one = at(t, k);

        if (one.c != INVISIBLE && one.c != '-' && one.c != '_' &&
            !is_letter(one.c) && !(one.c == '.' && some))
            break;
        some = one.c == '.' ? false : some || is_letter(one.c);
        if (one.c != INVISIBLE)
            c[n++] = one;
        r.stop = one.end;
    }
    if (!some) /* nothing but marks behind the last dot */
        while (n > 0 && c[n - 1].c != '.')
            n--;
    for (size_t k = 0; k <= n; k++) {
        const bool is_dot = k < n && c[k].c == '.';

        if ((k < n && !is_dot) || k == from)
            continue;
        marked = parts > 0 && last.marked;
        read_label(t, c + from, k - from, !is_dot, &l);
        last = l;
        if (parts++ == 0)
            r.begin =
                l.narrow && l.behind_tall > 0 ? l.behind_tall - 1 : l.begin;
        if (!l.wide && l.digits && l.n <= 3) {
            unsigned v = 0;

            for (size_t d = 0; d < l.n; d++)
                v = v * 10 + (unsigned)(l.ascii[d] - '0');
            small += v <= 255;
        }
        if (is_dot && parts > 1 && raw(t, c[k].end) >= 'A' &&
            raw(t, c[k].end) <= 'Z' && !l.capital && !l.marked && !marked &&
            l.cut == 0 && top(&l) == TOP_CLEAR)
            cut = l.end;
        from = k + 1;
    }
    if (parts == 0)
        return r;
    r.end = last.cut > 0 ? last.cut : last.end;
    r.marked = last.marked || marked;
    r.kind = parts < 2 ? NAME_NONE
             : !last.wide && last.digits
                 ? (parts == 4 && small == 4 ? NAME_IPV4 : NAME_NUMBERS)
             : top(&last) == TOP_CLEAR ? NAME_CLEAR
             : top(&last) == TOP_VAGUE ? NAME_VAGUE
                                       : NAME_OTHER;
    if (cut > 0 && r.kind != NAME_CLEAR) {
        r.end = cut;
        r.kind = NAME_CLEAR;
        r.marked = false;
        r.cut = true;
    }
    return r;
}

/* ---- links --------------------------------------------------------------- */

static bool stops(char c)
{
    return (unsigned char)c <= ' ' || strchr("'\"<>)", c) != NULL;
}

static size_t link_end(struct ts_str t, size_t from)
{
    size_t end = from, k;

    while (end < t.len && !stops(t.ptr[end]))
        end++;
    for (k = from; k < end; k++)
        if (strchr("/?#\\", t.ptr[k]) != NULL)
            return end;
    for (k = end; end > from && k < t.len && (unsigned char)t.ptr[k] > ' ' &&
                  strchr("<>/?#\\", t.ptr[k]) == NULL;
         k++)
        if (t.ptr[k] == '@') {
            while (k < t.len && (unsigned char)t.ptr[k] > ' ' &&
                   strchr("<>", t.ptr[k]) == NULL)
                k++;
            return k;
        }
    return end;
}

static bool in_scheme(char c)
{
    return is_ascii(c) || c == '+' || c == '-' || c == '.';
}

static bool opaque(struct ts_str t, const char *name, size_t i)
{
    size_t k = i;
    bool type = false;

    if (strcmp(name, "tel") == 0 || strcmp(name, "sms") == 0 ||
        strcmp(name, "callto") == 0) {
        k += raw(t, i) == '+';
        return raw(t, k) >= '0' && raw(t, k) <= '9';
    }
    if (strcmp(name, "data") == 0) {
        for (; in_scheme(low(t, k)) || raw(t, k) == '/' || raw(t, k) == ';' ||
               raw(t, k) == '=';
             k++)
            type = type || t.ptr[k] == '/' || t.ptr[k] == ';';
        return (k == i || type) && raw(t, k) == ',' && !stops(raw(t, k + 1));
    }
    if (strcmp(name, "mailto") == 0) {
        while (k <= i + 64 && !stops(raw(t, k)) && raw(t, k) != '@' &&
               !has(t, k, "%40"))
            k++;
        return has(t, k, "%40");
    }
    return !stops(raw(t, i));
}

static struct span url_at(struct ts_str t, size_t i, size_t *asked)
{
    static const char *const words[] = {"javascript", "vbscript", "blob",
                                        "magnet",     "tel",      "sms",
                                        "callto",     "data",     "mailto"};
    static const char *const known[] = {"https", "hxxps", "http", "hxxp"};
    struct span none = {i, i}, s = {.begin = i};
    size_t colon = i, from, word = 0;

    if (i >= *asked && low(t, i) >= 'a' && low(t, i) <= 'z') {
        while (in_scheme(low(t, colon)))
            colon++;
        *asked = colon;
        from = colon + 1;
        while (raw(t, from) == '/' || raw(t, from) == '\\')
            from++;
        if (raw(t, colon) == ':') {
            for (size_t k = 0; k < 4 && word == 0; k++)
                if (colon - i >= strlen(known[k]) &&
                    has(t, colon - strlen(known[k]), known[k]))
                    word = strlen(known[k]);
            s.end = link_end(t, from);
            if (from > colon + 2 || (from == colon + 2 && word > 0)) {
                s.begin = word > 0 ? colon - word : i;
                if (s.end > from || from > colon + 3)
                    return s;
            }
            for (size_t k = 0; from == colon + 1 && k < 9; k++) {
                size_t n = strlen(words[k]);

                if (colon - i >= n && has(t, colon - n, words[k]) &&
                    (colon - n == i || !is_ascii(low(t, colon - n - 1))) &&
                    opaque(t, words[k], from) && s.end > from)
                    return s;
            }
        }
    }
    s = (struct span){i, link_end(t, i + 4)};
    return has(t, i, "www.") && s.end > i + 4 &&
                   (i == 0 || (!is_ascii(low(t, i - 1)) && t.ptr[i - 1] != '@'))
               ? s
               : none;
}

static bool in_local(struct ch c)
{
    return is_ascii(c.c) || c.c == LOW || c.c == INVISIBLE || c.c == '_' ||
           (c.end == c.at + 1 && (c.c == '.' || c.c == '+' || c.c == '-'));
}

static struct span email_at(struct ts_str t, size_t i, size_t *asked)
{
    struct ch c = at(t, i);
    struct name n;

    if (i < *asked || !in_local(c) || c.c == INVISIBLE || c.c == '.' ||
        c.c == '+' || c.c == '-')
        return (struct span){i, i};
    while (c.at < t.len && in_local(c))
        c = at(t, c.end);
    *asked = c.at;
    if (c.at >= t.len || c.c != '@')
        return (struct span){i, i};
    n = name_at(t, c.end);
    return n.kind == NAME_NONE || n.kind == NAME_NUMBERS || n.kind == NAME_IPV4
               ? (struct span){i, i}
               : (struct span){i, n.end};
}

static struct span host_at(struct ts_str t, size_t i, size_t *asked)
{
    static const char hex[] = "0123456789abcdef:.";
    struct span none = {i, i};
    struct name n;
    size_t k = i + 1, colons = 0, port;
    bool net = i > 1 && (t.ptr[i - 1] == '/' || t.ptr[i - 1] == '\\') &&
               (t.ptr[i - 2] == '/' || t.ptr[i - 2] == '\\');
    char next;
    bool path;

    if (i < *asked)
        return none;
    if (raw(t, i) == '[' && at(t, i).c == '[') {
        for (; k <= i + 45 && raw(t, k) != '\0' && strchr(hex, low(t, k)); k++)
            colons += raw(t, k) == ':';
        if (colons < 2 || raw(t, k) != ']' ||
            !(raw(t, k + 1) == '/' ||
              (raw(t, k + 1) == ':' && raw(t, k + 2) >= '0' &&
               raw(t, k + 2) <= '9')))
            return none;
        return (struct span){i, link_end(t, k + 1)};
    }
    if (!is_letter(at(t, i).c))
        return none;
    n = name_at(t, i);
    *asked = n.stop;
    if (!net && i > 0 &&
        (t.ptr[i - 1] == '/' || t.ptr[i - 1] == '\\' ||
         is_ascii(low(t, i - 1)) ||
         (t.ptr[i - 1] == '.' && (i < 2 || t.ptr[i - 2] != '.'))))
        return none;
    for (port = n.end + 1;
         port <= n.end + 5 && raw(t, port) >= '0' && raw(t, port) <= '9';
         port++)
        ;
    if (n.cut || raw(t, n.end) != ':' || port == n.end + 1)
        port = n.end;
    next = low(t, port + 1);
    path = (next >= 'a' && next <= 'z') || next == '%' || next == '~' ||
           (unsigned char)next >= 0x80;
    if (n.kind == NAME_IPV4) {
        if (!net && port == n.end && !(raw(t, port) == '/' && path))
            return none;
    } else if (n.marked || n.kind < NAME_VAGUE) {
        return none;
    } else if (n.kind == NAME_VAGUE && !net &&
               !((raw(t, port) == '/' || raw(t, port) == '?') &&
                 (path || (next >= '0' && next <= '9')))) {
        return none;
    }
    if (!n.cut && raw(t, port) != '\0' && strchr("/\\?#", raw(t, port)) != NULL)
        port = link_end(t, port);
    return (struct span){n.begin, n.cut ? n.end : port};
}

/* ---- numbers ------------------------------------------------------------- */

static bool alone(struct ts_str t, size_t i, size_t end)
{
    return (i == 0 || !is_ascii(low(t, i - 1))) && !is_ascii(low(t, end));
}

/* d, a: a digit, a letter; anything else itself. */
static size_t fits(struct ts_str t, size_t i, const char *picture)
{
    size_t k = 0;

    for (; picture[k] != '\0'; k++) {
        char c = low(t, i + k);
        bool digit = c >= '0' && c <= '9';

        if (picture[k] == 'd'   ? !digit
            : picture[k] == 'a' ? digit || !is_ascii(c)
                                : c != picture[k])
            return 0;
    }
    return alone(t, i, i + k) ? k : 0;
}

static size_t account_at(struct ts_str t, size_t i)
{
    size_t end = i, digits = 0;
    struct text product = {.p = t.ptr, .len = t.len};

    for (; is_ascii(low(t, end)); end++)
        digits += low(t, end) <= '9';
    if (end == i + 4 && raw(t, end) == ' ') /* in groups: its checksum */
        return text_account(&product, i).end - i;
    return end - i >= 15 && end - i <= 34 && digits >= 10 && alone(t, i, end) &&
                   low(t, i) > '9' && low(t, i + 1) > '9' &&
                   low(t, i + 2) <= '9' && low(t, i + 3) <= '9'
               ? end - i
               : 0;
}

static struct span any_at(struct ts_str t, size_t i, size_t asked[3],
                          enum shape *ret)
{
    struct text product = {.p = t.ptr, .len = t.len};
    struct span s;
    size_t n;

    *ret = SHAPE_URL;
    s = url_at(t, i, &asked[0]);
    if (s.end > s.begin)
        return s;
    *ret = SHAPE_EMAIL;
    s = email_at(t, i, &asked[1]);
    if (s.end > s.begin)
        return s;
    *ret = SHAPE_ACCOUNT;
    if ((n = account_at(t, i)) > 0)
        return (struct span){i, i + n};
    *ret = SHAPE_HOST;
    s = host_at(t, i, &asked[2]);
    if (s.end > s.begin)
        return s;
    *ret = SHAPE_CARD;
    if ((n = fits(t, i, "dddddddddddddddd")) > 0 ||
        (n = fits(t, i, "dddd dddd dddd dddd")) > 0 ||
        (n = fits(t, i, "dddd-dddd-dddd-dddd")) > 0)
        return (struct span){i, i + n};
    *ret = SHAPE_CODE;
    if ((n = fits(t, i, "dddddd")) > 0)
        return (struct span){i, i + n};
    *ret = SHAPE_WALLET;
    if (i > 0 && is_ascii(low(t, i - 1)))
        return (struct span){i, i};
    return text_wallet(&product, i);
}

void naive_shapes_in(struct ts_str t, shape_found found, void *ctx)
{
    size_t asked[3] = {0}, i = 0;

    TS_REQUIRE(t.len <= NAIVE_TEXT);
    while (i < t.len) {
        enum shape s;
        struct span r = any_at(t, i, asked, &s);
        size_t end = r.end;

        if (r.end <= r.begin) {
            i++;
            continue;
        }
        while (end > r.begin + 1 && t.ptr[end - 1] != '\0' &&
               strchr(".,;:!?*_~`]}|", t.ptr[end - 1]) != NULL)
            end--;
        if (!found(ctx, s, (struct ts_str){t.ptr + r.begin, end - r.begin}))
            return;
        i = r.end;
    }
}
