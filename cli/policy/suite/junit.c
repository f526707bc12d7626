/* JUnit XML. */
#include "cli/policy/suite/junit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/policy/files.h"

#define JUNIT_MAX ((size_t)256 << 20) /* bytes */

void junit_init(struct junit *j)
{
    *j = (struct junit){0};
    ts_buf_init(&j->all, JUNIT_MAX);
    ts_buf_init(&j->suite, JUNIT_MAX);
}

void junit_done(struct junit *j)
{
    ts_buf_done(&j->all);
    ts_buf_done(&j->suite);
}

static void put(struct junit *j, struct ts_buf *b, const char *s, size_t n)
{
    if (n > 0 && ts_buf_append(b, s, n) != TS_OK)
        j->broken = true;
}

TS_PRINTF(3, 4)
static void putf(struct junit *j, struct ts_buf *b, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    put(j, b, text, strlen(text));
}

static size_t length(unsigned char c)
{
    if (c < 0x80)
        return 1;
    return c >= 0xF0 ? 4 : (c >= 0xE0 ? 3 : 2);
}

/* U+FFFE and U+FFFF are UTF-8 but no XML. */
static bool is_xml(const char *s, size_t n)
{
    unsigned char c = (unsigned char)s[0];

    if (n == 1)
        return c >= 0x20 && c != 0x7F;
    return ts_utf8_valid(s, n) && memcmp(s, "\xEF\xBF\xBE", 3) != 0 &&
           memcmp(s, "\xEF\xBF\xBF", 3) != 0;
}

static void escaped(struct junit *j, struct ts_buf *b, struct ts_str s)
{
    for (size_t i = 0; i < s.len;) {
        size_t n = length((unsigned char)s.ptr[i]);
        const char *special = memchr("&<>\"'\n", s.ptr[i], 6);
        static const char *const names[] = {"&amp;",  "&lt;",   "&gt;",
                                            "&quot;", "&apos;", "&#10;"};

        if (special != NULL) {
            const char *name = names[strcspn("&<>\"'\n", special)];

            put(j, b, name, strlen(name));
        } else if (n <= s.len - i && is_xml(s.ptr + i, n)) {
            put(j, b, s.ptr + i, n);
        } else {
            put(j, b, "\xEF\xBF\xBD", 3);
            n = 1;
        }
        i += n;
    }
}

void junit_case(struct junit *j, const char *file, struct ts_str name,
                double seconds, const char *failure)
{
    j->tests++;
    j->seconds += seconds;
    putf(j, &j->suite, "    <testcase name=\"");
    escaped(j, &j->suite, name);
    putf(j, &j->suite, "\" classname=\"");
    escaped(j, &j->suite, ts_str_of(file));
    putf(j, &j->suite, "\" time=\"%.6f\"", seconds);
    if (failure == NULL) {
        putf(j, &j->suite, "/>\n");
        return;
    }
    j->failures++;
    putf(j, &j->suite, ">\n      <failure message=\"");
    escaped(j, &j->suite, ts_str_of(failure));
    putf(j, &j->suite, "\"/>\n    </testcase>\n");
}

void junit_suite(struct junit *j, const char *file, const char *error)
{
    j->errors += error != NULL ? 1 : 0;
    j->tests += error != NULL ? 1 : 0;
    putf(j, &j->all, "  <testsuite name=\"");
    escaped(j, &j->all, ts_str_of(file));
    putf(j, &j->all,
         "\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" time=\"%.6f\">\n",
         j->tests, j->failures, j->errors, j->seconds);
    put(j, &j->all, (const char *)ts_buf_bytes(&j->suite), j->suite.len);
    if (error != NULL) {
        putf(j, &j->all, "    <testcase name=\"(the file)\" classname=\"");
        escaped(j, &j->all, ts_str_of(file));
        putf(j, &j->all, "\">\n      <error message=\"");
        escaped(j, &j->all, ts_str_of(error));
        putf(j, &j->all, "\"/>\n    </testcase>\n");
    }
    putf(j, &j->all, "  </testsuite>\n");
    j->all_tests += j->tests;
    j->all_failures += j->failures;
    j->all_errors += j->errors;
    j->tests = j->failures = j->errors = 0;
    j->seconds = 0;
    ts_buf_clear(&j->suite);
}

bool junit_save(struct junit *j, const char *path)
{
    ts_buf_clear(&j->suite);
    putf(j, &j->suite,
         "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<testsuites tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n",
         j->all_tests, j->all_failures, j->all_errors);
    put(j, &j->suite, (const char *)ts_buf_bytes(&j->all), j->all.len);
    putf(j, &j->suite, "</testsuites>\n");
    if (j->broken) {
        cli_error("%s: not written: out of memory", path);
        return false;
    }
    return pol_save(
        path, (struct ts_str){.ptr = (const char *)ts_buf_bytes(&j->suite),
                              .len = j->suite.len});
}
