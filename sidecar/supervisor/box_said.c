#include "sidecar/supervisor/box_said.h"

#include <stdio.h>
#include <string.h>

#include "sidecar/common/layer.h"

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

static bool copy(struct ts_str from, char to[BOX_SAID_TEXT])
{
    if (from.len >= BOX_SAID_TEXT)
        return false;
    (void)ts_str_escape(to, BOX_SAID_TEXT, from.ptr, from.len);
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

bool box_said_parse(struct ts_str text, struct box_said *ret)
{
    struct box_said b = {.level = BOX_ANY};
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

/* Those of a level, in one of three ways. */
static void print_profiles(const struct boxes_said *b, enum box_level level,
                           const char *head, bool given, bool offered,
                           bool *io_any)
{
    bool first = true;

    for (uint32_t i = 0; i < b->count; i++) {
        const struct box_said *x = &b->list[i];

        if (x->level != level || x->given != given || x->offered != offered)
            continue;
        (void)printf("%s%s%s", first && *io_any ? ";" : "", first ? head : ", ",
                     x->profile);
        *io_any = true;
        if (x->offered && !x->given)
            (void)printf(" (%s%s)", x->step, x->expected ? ", expected" : "");
        first = false;
    }
}

static void print_layers(const struct boxes_said *b, enum box_level level)
{
    uint32_t all = UINT32_MAX, weakened = 0;
    bool any = false;

    for (uint32_t i = 0; i < b->count; i++) {
        const struct box_said *x = &b->list[i];

        if (x->level != level || !x->given)
            continue;
        any = true;
        all &= x->layers;
        weakened |= x->weakened;
    }
    if (!any)
        return;
    (void)printf("          layers:");
    for (uint32_t bit = 1; bit < LAYER_BITS_ALL; bit <<= 1) {
        if ((all & bit) != 0)
            (void)printf(" %s%s", layer_name(bit),
                         (weakened & bit) != 0 ? " (weakened)" : "");
    }
    (void)printf("\n");
}

void boxes_said_add(struct boxes_said *b, uint32_t rank, struct ts_str text)
{
    struct box_said x;
    uint32_t at = b->count;

    if (b->count == BOXES_SAID_MAX || !box_said_parse(text, &x))
        return;
    for (; at > 0 && b->rank[at - 1] > rank; at--) {
        b->list[at] = b->list[at - 1];
        b->rank[at] = b->rank[at - 1];
    }
    b->list[at] = x;
    b->rank[at] = rank;
    b->count++;
}

void boxes_said_print(const struct boxes_said *b)
{
    if (b->count > 0)
        (void)printf("boxes, by the canary:\n");
    for (int i = BOX_BARE; b->count > 0 && i <= BOX_STRICT; i++) {
        enum box_level level = (enum box_level)i;
        bool any = false;

        (void)printf("  %-7s", box_level_name(level));
        print_profiles(b, level, " served: ", true, true, &any);
        print_profiles(b, level, " not served: ", false, true, &any);
        print_profiles(b, level, " not offered here: ", false, false, &any);
        (void)printf("\n");
        print_layers(b, level);
    }
}
