/* Values as they are compared: where an address begins and ends. */
#include <string.h>

#include "sidecar/gate/provenance/canon.h"

/* A letter of two bytes (Latin with marks, Greek, Cyrillic, ...) is part of a
 * name. One of three is not: Chinese or Japanese text needs no space before an
 * address. */
static bool is_wide_letter(const char *first)
{
    unsigned char c = (unsigned char)*first;

    return c >= 0xc3 && c <= 0xdf;
}

static bool is_of_name(char c)
{
    return canon_is_alnum(c) || (unsigned char)c >= 0x80;
}

/* What may stand inside of a local part beside letters and digits. */
static bool is_local_mark(char c)
{
    return c != '\0' && strchr(".+_-'%~&", c) != NULL;
}

static size_t run_of(struct ts_str s, bool local)
{
    size_t i = 0;

    while (i < s.len && (is_of_name(s.ptr[i]) ||
                         (local ? is_local_mark(s.ptr[i])
                                : s.ptr[i] == '.' || s.ptr[i] == '-')))
        i++;
    return i;
}

/* "x.example", and no number such as 1.5: a letter behind a dot. */
static bool is_host(struct ts_str s)
{
    for (size_t i = 1; i + 1 < s.len; i++)
        if (s.ptr[i] == '.' && is_of_name(s.ptr[i + 1]) &&
            (s.ptr[i + 1] < '0' || s.ptr[i + 1] > '9'))
            return true;
    return false;
}

struct canon_edges canon_edges_of(struct ts_str s)
{
    struct canon_edges e = {0};
    size_t local = run_of(s, true), host = run_of(s, false), last = s.len;

    e.address_begins = local > 0 && local < s.len && s.ptr[local] == '@';
    e.host_begins = !e.address_begins &&
                    (host == s.len || strchr("/:?#", s.ptr[host]) != NULL) &&
                    is_host((struct ts_str){.ptr = s.ptr, .len = host});
    while (last > 0 && (is_of_name(s.ptr[last - 1]) || s.ptr[last - 1] == '.' ||
                        s.ptr[last - 1] == '-'))
        last--;
    e.host_ends = (e.host_begins && host == s.len) ||
                  (last > 0 && last < s.len && s.ptr[last - 1] == '@');
    return e;
}

/* Does a name stand right before p, with marks of it between? */
static bool goes_back(const char *p, bool local)
{
    while (local ? is_local_mark(p[-1]) : p[-1] == '-' || p[-1] == '_')
        p--;
    if ((unsigned char)p[-1] < 0x80)
        return canon_is_alnum(p[-1]);
    do
        p--;
    while (((unsigned char)*p & 0xc0) == 0x80);
    return is_wide_letter(p);
}

bool canon_edges_fit(const struct canon_edges *e, const char *p, size_t len)
{
    const char *end = p + len;

    if ((e->address_begins || e->host_begins) &&
        goes_back(p, e->address_begins))
        return false;
    if (!e->host_ends)
        return true;
    return !is_wide_letter(end) &&
           !((*end == '.' || *end == '-') &&
             (canon_is_alnum(end[1]) || is_wide_letter(end + 1)));
}
