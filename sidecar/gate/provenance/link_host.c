#include "sidecar/gate/provenance/link_host.h"

#include <string.h>

#include "sidecar/gate/provenance/fold.h"

#define SHORT_MAX 3 /* bytes of "com" in "com.au" */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* Behind "scheme:" and its slashes, or where the link begins. */
static size_t skip_scheme(struct ts_str l)
{
    size_t i = 0, slashes;

    while (i < l.len && !is_one_of(l.ptr[i], ":/\\?#@[ "))
        i++;
    slashes = i < l.len && l.ptr[i] == ':' ? i + 1 : 0;
    i = slashes;
    while (i < l.len && (l.ptr[i] == '/' || l.ptr[i] == '\\'))
        i++;
    return i > slashes ? i : 0; /* "host:80" has no scheme */
}

static struct ts_str without_port(struct ts_str h)
{
    size_t n = h.len;

    while (n > 0 && h.ptr[n - 1] >= '0' && h.ptr[n - 1] <= '9')
        n--;
    if (n > 0 && h.ptr[n - 1] == ':')
        h.len = n - 1;
    return h;
}

/* What it is once nothing hides in it; is it a name with a dot, or beyond
 * ASCII? */
static bool fold(struct link_host *h)
{
    bool some = false;
    size_t n = 0;

    for (size_t i = 0; i < h->len;) {
        const struct fold f = fold_at(h->text + i, h->len - i);

        if (f.kind == FOLD_ASCII)
            h->text[n++] = f.c;
        for (size_t k = 0; f.kind == FOLD_WIDE && k < f.len; k++)
            h->text[n++] = h->text[i + k];
        some = some || f.kind == FOLD_WIDE || f.c == '.';
        i += f.len;
    }
    h->len = n;
    return some;
}

static bool decode(struct ts_str h, struct link_host *ret)
{
    ret->len = 0;
    for (size_t i = 0; i < h.len; i++) {
        char c = h.ptr[i];
        const int high = i + 2 < h.len ? hex(h.ptr[i + 1]) : -1;
        const int low = i + 2 < h.len ? hex(h.ptr[i + 2]) : -1;

        if (c == '%' && high >= 0 && low >= 0) {
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (ret->len == LINK_HOST_MAX)
            return false;
        ret->text[ret->len++] = c;
    }
    return fold(ret);
}

bool link_host_of(struct ts_str l, struct link_host *ret)
{
    const size_t from = skip_scheme(l);
    struct ts_str h = {.ptr = l.ptr + from};

    while (from + h.len < l.len && !is_one_of(h.ptr[h.len], "/\\?#"))
        h.len++;
    for (size_t i = h.len; i > 0; i--)
        if (h.ptr[i - 1] == '@') {
            h.ptr += i;
            h.len -= i;
            break;
        }
    h = without_port(h);
    return h.len > 0 && decode(h, ret);
}

bool link_host_up(struct ts_str *h)
{
    const char *dot = memchr(h->ptr, '.', h->len), *next;
    struct ts_str up;

    if (dot == NULL)
        return false;
    up.ptr = dot + 1;
    up.len = h->len - (size_t)(up.ptr - h->ptr);
    next = memchr(up.ptr, '.', up.len);
    if (next == NULL || (next - up.ptr <= SHORT_MAX &&
                         up.len - (size_t)(next - up.ptr) - 1 <= SHORT_MAX))
        return false;
    *h = up;
    return true;
}
