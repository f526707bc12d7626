/* What is known by its shape: what is asked in which order, and URLs. */
#include "sidecar/gate/provenance/shapes.h"

#include <string.h>

#include "sidecar/gate/provenance/shapes_priv.h"

#define LOCAL_MAX 64 /* bytes of an encoded address before its "@" */

const char *shape_name(enum shape s)
{
    switch (s) {
    case SHAPE_URL:
        return "url";
    case SHAPE_EMAIL:
        return "email";
    case SHAPE_ACCOUNT:
        return "account";
    case SHAPE_WALLET:
        return "wallet";
    case SHAPE_HOST:
        return "host";
    case SHAPE_CARD:
        return "card";
    case SHAPE_CODE:
        break;
    }
    return "code";
}

bool shape_is_link(enum shape s)
{
    return s != SHAPE_CARD && s != SHAPE_CODE;
}

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

static bool starts(struct text *t, size_t i, const char *with)
{
    size_t n = strlen(with);

    for (size_t k = 0; k < n; k++)
        if (text_at(t, i + k) != with[k])
            return false;
    return true;
}

/* Does the run [begin, end) end with a word? */
static bool tail_is(struct text *t, size_t begin, size_t end, const char *word)
{
    size_t n = strlen(word);

    return end - begin >= n && starts(t, end - n, word);
}

static bool word_is(struct text *t, size_t begin, size_t end, const char *word)
{
    size_t n = strlen(word);

    return tail_is(t, begin, end, word) &&
           (end - n == begin || !text_is_alnum(text_at(t, end - n - 1)));
}

static bool ends_link(char c)
{
    return (unsigned char)c <= ' ' || text_is_one_of(c, "'\"<>)");
}

/* "https://x.example'@y.example" leads to y.example, whatever ends a link in
 * other texts: then all of it is one. */
static size_t with_host_behind(struct text *t, size_t from, size_t end)
{
    size_t far = end;

    if (end < t->no_user)
        return end;
    for (size_t k = from; k < end; k++)
        if (text_is_one_of(text_at(t, k), "/?#\\"))
            return end; /* the host is over */
    for (; far < t->len; far++) {
        const char c = text_at(t, far);

        if ((unsigned char)c <= ' ' || text_is_one_of(c, "<>/?#\\"))
            break;
        if (c != '@')
            continue;
        while ((unsigned char)text_at(t, far) > ' ' &&
               !text_is_one_of(t->p[far], "<>"))
            far++;
        return far;
    }
    t->no_user = far;
    return end;
}

size_t text_link_end(struct text *t, size_t from)
{
    size_t end = from;

    while (end < t->len && !ends_link(text_at(t, end)))
        end++;
    return end > from ? with_host_behind(t, from, end) : from;
}

/* ",text" behind a type or nothing. */
static bool is_data(struct text *t, size_t i)
{
    bool some = false;
    size_t n = i;

    while (text_is_alnum(text_at(t, n)) ||
           (n < t->len && text_is_one_of(t->p[n], "/+.;=-"))) {
        some = some || t->p[n] == '/' || t->p[n] == ';';
        n++;
    }
    return text_at(t, n) == ',' && !ends_link(text_at(t, n + 1)) &&
           (n == i || some);
}

/* An address whose "@" is encoded; another one is found as an address. */
static bool is_encoded_address(struct text *t, size_t i)
{
    size_t n = i;

    while (n - i <= LOCAL_MAX && n < t->len && !ends_link(text_at(t, n)) &&
           t->p[n] != '@' && !starts(t, n, "%40"))
        n++;
    return starts(t, n, "%40");
}

/* A link without slashes: [begin, at) is the scheme, ":" at `at`. */
static bool is_opaque(struct text *t, size_t begin, size_t at)
{
    static const char *const any[] = {"javascript", "vbscript", "blob",
                                      "magnet"};
    static const char *const numbers[] = {"tel", "sms", "callto"};
    const char next = text_at(t, at + 1);

    for (size_t k = 0; k < sizeof(any) / sizeof(any[0]); k++)
        if (word_is(t, begin, at, any[k]))
            return !ends_link(next);
    for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
        if (word_is(t, begin, at, numbers[k]))
            return text_is_digit(next) ||
                   (next == '+' && text_is_digit(text_at(t, at + 2)));
    return (word_is(t, begin, at, "data") && is_data(t, at + 1)) ||
           (word_is(t, begin, at, "mailto") && is_encoded_address(t, at + 1));
}

/* How long the name of a scheme that people know is at the end of a run; words
 * in front of it are none of the link. 0: another scheme. */
static size_t known_scheme(struct text *t, size_t begin, size_t at)
{
    static const char *const names[] = {"https", "http", "hxxps", "hxxp"};

    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
        if (tail_is(t, begin, at, names[k]))
            return strlen(names[k]);
    return 0;
}

/* A run of what a scheme is made of, its colon, and what is behind. */
static struct span with_scheme(struct text *t, size_t i)
{
    struct span none = {i, i}, s = {.begin = i};
    size_t at = i, from, known;

    if (i < t->no_scheme || !text_is_letter(text_at(t, i)))
        return none;
    while (text_is_alnum(text_at(t, at)) ||
           (at < t->len && text_is_one_of(t->p[at], "+-.")))
        at++;
    t->no_scheme = at; /* from nowhere inside of this run, if not from here */
    if (text_at(t, at) != ':')
        return none;
    for (from = at + 1; is_slash(text_at(t, from)); from++)
        ;
    known = known_scheme(t, i, at);
    if (from == at + 1 ? !is_opaque(t, i, at) : from == at + 2 && known == 0)
        return none;
    if (from > at + 1 && known > 0)
        s.begin = at - known;
    s.end = text_link_end(t, from);
    return s.end > from || from > at + 3 ? s : none;
}

struct span text_url(struct text *t, size_t i)
{
    struct span s = with_scheme(t, i);

    if (s.end > s.begin || text_at(t, i) != 'w' || !starts(t, i, "www.") ||
        (i > 0 && (text_is_alnum(text_at(t, i - 1)) || t->p[i - 1] == '@')))
        return s;
    s.end = text_link_end(t, i + 4);
    if (s.end == i + 4)
        s.end = i;
    return s;
}

/* ---- all of them --------------------------------------------------------- */

typedef struct span (*finder)(struct text *t, size_t i);

static const struct {
    enum shape shape;
    finder find;
} finders[] = {
    {SHAPE_URL, text_url},         {SHAPE_EMAIL, text_email},
    {SHAPE_ACCOUNT, text_account}, {SHAPE_HOST, text_host},
    {SHAPE_CARD, text_card},       {SHAPE_CODE, text_code},
    {SHAPE_WALLET, text_wallet},
};

static struct ts_str trimmed(const struct text *t, struct span s)
{
    while (s.end > s.begin + 1 &&
           text_is_one_of(t->p[s.end - 1], ".,;:!?*_~`]}|"))
        s.end--;
    return (struct ts_str){.ptr = t->p + s.begin, .len = s.end - s.begin};
}

/* What each finder would say at once, for most places of a text: inside of a
 * word that was asked already, or at a sign that begins nothing. */
static bool begins_nothing(struct text *t, size_t i)
{
    const char c = text_at(t, i);

    if ((unsigned char)c >= 0x80 || c == '[' || c == '_')
        return false;
    if (!text_is_alnum(c))
        return true;
    if (i < t->no_email && i < t->no_host && i < t->no_token && i > 0) {
        if (text_is_digit(c)) /* a card or a code begins a word */
            return text_is_alnum(text_at(t, i - 1));
        return i < t->no_scheme && c != 'w' &&
               !text_is_digit(text_at(t, i + 2));
    }
    return false;
}

static size_t look(struct ts_str text, bool links, shape_found found, void *ctx)
{
    struct text t = {.p = text.ptr, .len = text.len};
    size_t i = 0;

    while (i < t.len) {
        struct span s = {0};
        size_t k = 0;

        if (begins_nothing(&t, i)) {
            i++;
            continue;
        }
        for (; k < sizeof(finders) / sizeof(finders[0]); k++) {
            if (!links && shape_is_link(finders[k].shape))
                continue;
            s = finders[k].find(&t, i);
            if (s.end > s.begin)
                break;
        }
        if (s.end <= s.begin) {
            i++;
            continue;
        }
        if (!found(ctx, finders[k].shape, trimmed(&t, s)))
            break;
        i = s.end;
    }
    return t.work;
}

size_t shapes_in(struct ts_str text, shape_found found, void *ctx)
{
    return look(text, true, found, ctx);
}

size_t shapes_secret_in(struct ts_str text, shape_found found, void *ctx)
{
    return look(text, false, found, ctx);
}
