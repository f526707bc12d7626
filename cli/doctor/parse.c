#include <string.h>

#include "cli/doctor/doctor.h"

/* The value behind " key=", up to the next space. */
static bool word(struct ts_str text, const char *key, struct ts_str *ret)
{
    size_t n = strlen(key);

    for (size_t i = 0; i + n + 1 < text.len; i++) {
        size_t end;

        if (text.ptr[i] != ' ' || memcmp(text.ptr + i + 1, key, n) != 0 ||
            text.ptr[i + 1 + n] != '=')
            continue;
        i += n + 2;
        for (end = i; end < text.len && text.ptr[end] != ' ';)
            end++;
        *ret = (struct ts_str){text.ptr + i, end - i};
        return end > i;
    }
    return false;
}

static bool copy(struct ts_str from, char to[DOCTOR_TEXT])
{
    if (from.len >= DOCTOR_TEXT)
        return false;
    (void)ts_str_escape(to, DOCTOR_TEXT, from.ptr, from.len);
    return true;
}

static bool flag(struct ts_str text, const char *key, bool *ret)
{
    struct ts_str v;

    if (!word(text, key, &v) || v.len != 1 ||
        (v.ptr[0] != '0' && v.ptr[0] != '1'))
        return false;
    *ret = v.ptr[0] == '1';
    return true;
}

static bool bits(struct ts_str text, const char *key, uint32_t *ret)
{
    struct ts_str v;
    uint32_t n = 0;

    if (!word(text, key, &v) || v.len > 8)
        return false;
    for (size_t i = 0; i < v.len; i++) {
        char c = v.ptr[i];

        if (c >= '0' && c <= '9')
            n = n << 4 | (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            n = n << 4 | (uint32_t)(c - 'a' + 10);
        else
            return false;
    }
    if ((n & ~LAYER_BITS_ALL) != 0)
        return false;
    *ret = n;
    return true;
}

bool doctor_box_parse(struct ts_str text, struct doctor_box *ret)
{
    struct doctor_box b = {.level = BOX_ANY};
    struct ts_str v;

    if (!ts_str_starts(text, TS_STR_LIT("box ")) || !word(text, "level", &v) ||
        !box_level_parse(v, &b.level) || b.level == BOX_ANY ||
        !word(text, "profile", &v) || !copy(v, b.profile) ||
        !flag(text, "offered", &b.offered) || !flag(text, "given", &b.given) ||
        !flag(text, "expected", &b.expected) ||
        !bits(text, "layers", &b.layers) ||
        !bits(text, "weakened", &b.weakened) || !word(text, "step", &v))
        return false;
    if (!ts_str_eq_c(v, "-") && !copy(v, b.step))
        return false;
    *ret = b;
    return true;
}
