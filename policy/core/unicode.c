#include "policy/core/unicode.h"

#include "policy/core/utf8.h"

struct script_range {
    uint32_t first;
    uint8_t set; /* place in script_sets */
};

#include "policy/core/unicode_data.inc"

#define RANGES (sizeof(script_ranges) / sizeof(script_ranges[0]))
#define FLIPS  (sizeof(identifier_flips) / sizeof(identifier_flips[0]))

bool cedar_find_bidi(struct ts_str text, uint32_t *ret)
{
    size_t at = 0;

    while (at < text.len) {
        uint32_t c = cedar_utf8_next(text, &at);

        if ((c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069)) {
            *ret = c;
            return true;
        }
    }
    return false;
}

static const uint64_t *scripts_of(uint32_t c)
{
    size_t lo = 0, hi = RANGES;

    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;

        if (script_ranges[mid].first <= c)
            lo = mid;
        else
            hi = mid;
    }
    return script_sets[script_ranges[lo].set];
}

bool cedar_single_script(struct ts_str text)
{
    uint64_t all[SCRIPT_WORDS];
    size_t at = 0;

    for (unsigned i = 0; i < SCRIPT_WORDS; i++)
        all[i] = UINT64_MAX;
    while (at < text.len) {
        const uint64_t *s = scripts_of(cedar_utf8_next(text, &at));
        uint64_t left = 0;

        for (unsigned i = 0; i < SCRIPT_WORDS; i++)
            left |= all[i] &= s[i];
        if (left == 0)
            return false;
    }
    return true;
}

static bool recommended(uint32_t c)
{
    size_t lo = 0, hi = FLIPS; /* how many flips are at or before c */

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (identifier_flips[mid] <= c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo % 2 == 1;
}

bool cedar_find_odd_identifier(struct ts_str text, uint32_t *ret)
{
    size_t at = 0;

    while (at < text.len) {
        uint32_t c = cedar_utf8_next(text, &at);

        if ((c < 0x20 || c > 0x7E) && !recommended(c)) {
            *ret = c;
            return true;
        }
    }
    return false;
}
