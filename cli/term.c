#include "cli/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct term term_stdout(void)
{
    return term_of(STDOUT_FILENO);
}

bool term_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *v = getenv(names[i]);

        if (v != NULL && *v != '\0') /* the first that is set counts */
            return strcasestr(v, "utf-8") != NULL ||
                   strcasestr(v, "utf8") != NULL;
    }
    return false;
}

struct term term_of(int fd)
{
    static const struct term plain = {"", "", "", "", "", "", ""};
    static const struct term colour = {"\033[1m",  "\033[2m",  "\033[31m",
                                       "\033[32m", "\033[33m", "\033[36m",
                                       "\033[0m"};
    const char *no = getenv("NO_COLOR"), *kind = getenv("TERM");

    if ((no != NULL && *no != '\0') || kind == NULL ||
        strcmp(kind, "dumb") == 0 || isatty(fd) != 1)
        return plain;
    return colour;
}

void term_put(FILE *f, struct ts_str s)
{
    char piece[256];

    /* 32 bytes in become at most 8 times that; a character cut at a boundary
     * would be shown as broken, so boundaries avoid continuation bytes */
    while (s.len > 0) {
        size_t n = s.len < 28 ? s.len : 28;

        while (n < s.len && n < 31 && ((unsigned char)s.ptr[n] & 0xC0) == 0x80)
            n++;
        (void)ts_str_show(piece, sizeof(piece), s.ptr, n);
        (void)fputs(piece, f);
        s.ptr += n;
        s.len -= n;
    }
}

void term_print(struct ts_str s)
{
    term_put(stdout, s);
}

void term_time(char *out, size_t cap, unsigned long long unix_s)
{
    time_t t = (time_t)unix_s;
    struct tm tm;

    if (unix_s > 253402300799ULL || gmtime_r(&t, &tm) == NULL ||
        strftime(out, cap, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        (void)snprintf(out, cap, "%llu", unix_s); /* past the year 9999 */
}
