/* `like`. Property: the one-pass match agrees with a table of all prefixes
 * (dynamic programming). Input: a pattern, a zero byte, a text; a star in the
 * pattern is a wildcard. */
#include <stdint.h>
#include <string.h>

#include "policy/core/pattern.h"
#include "proto/base/ts_require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define RUNS_MAX 128
#define TEXT_MAX 512

/* ok[j]: the pattern so far matches the first j bytes of the text. */
static bool slow_match(struct ts_str pattern, struct ts_str text)
{
    bool ok[TEXT_MAX + 1] = {true};

    for (size_t i = 0; i < pattern.len; i++) {
        bool star = pattern.ptr[i] == '*', before = ok[0];

        ok[0] = ok[0] && star;
        for (size_t j = 1; j <= text.len; j++) {
            bool here = ok[j];

            ok[j] = star ? here || ok[j - 1]
                         : before && pattern.ptr[i] == text.ptr[j - 1];
            before = here;
        }
    }
    return ok[text.len];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const uint8_t *end = len > 0 ? memchr(data, 0, len) : NULL;
    struct ts_str pattern, text, runs[RUNS_MAX];
    struct cedar_pattern p = {.runs = runs};
    size_t from = 0;

    if (end == NULL)
        return 0;
    pattern = (struct ts_str){(const char *)data, (size_t)(end - data)};
    text =
        (struct ts_str){(const char *)end + 1, len - (size_t)(end - data) - 1};
    if (text.len > TEXT_MAX)
        return 0;
    for (size_t i = 0; i <= pattern.len; i++) {
        if (i < pattern.len && pattern.ptr[i] != '*')
            continue;
        if (p.count == RUNS_MAX)
            return 0;
        runs[p.count++] = (struct ts_str){pattern.ptr + from, i - from};
        from = i + 1;
    }
    TS_REQUIRE(cedar_pattern_match(&p, text) == slow_match(pattern, text));
    return 0;
}
