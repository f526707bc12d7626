/* Finding equal types: right for those that collide, and not slower. */
#include "tests/lib/ts_test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "policy/core/uid.h"
#include "proto/base/ts_mem.h"
#include "tests/unit/policy_schema/schema_help.h"

#define TYPES 24000u
#define NAME  16u /* two words of the hash: the second undoes the first */
#define MIX   UINT64_C(0x9E3779B97F4A7C15)

static uint64_t mix(uint64_t h)
{
    h *= MIX;
    return h ^ (h >> 32);
}

/* The state of the hash of a record when its first name begins. */
static uint64_t record_seed(void)
{
    return mix((uint64_t)TYPE_RECORD);
}

static bool plain(uint64_t word)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned c = (unsigned)(word >> (8 * i)) & 0xFF;

        if (c < ' ' || c > '~' || c == '"' || c == '\\')
            return false;
    }
    return true;
}

/* Names that all hash to one number under the seed of a record. */
static void make_colliding(char (*names)[NAME], uint32_t n)
{
    uint64_t start = mix(record_seed() ^ NAME), target = 0, first, second;
    char digits[9];

    for (uint32_t i = 0, made = 0; made < n; i++) {
        (void)snprintf(digits, sizeof(digits), "%08x", i);
        memcpy(&first, digits, sizeof(first));
        if (i == 0)
            target = mix(start ^ first) ^ UINT64_C(0x4141414141414141);
        second = mix(start ^ first) ^ target;
        if (!plain(second))
            continue;
        memcpy(names[made], &first, sizeof(first));
        memcpy(names[made] + sizeof(first), &second, sizeof(second));
        made++;
    }
}

static void make_plain(char (*names)[NAME], uint32_t n)
{
    char digits[NAME + 1];

    for (uint32_t i = 0; i < n; i++) {
        (void)snprintf(digits, sizeof(digits), "%016x", i);
        memcpy(names[i], digits, NAME);
    }
}

/* An entity with one attribute for each name, whose type is a record of that
 * one name; and as many again whose types are equal to those. */
static size_t write_schema(char *text, size_t cap, char (*names)[NAME],
                           uint32_t n)
{
    size_t len = (size_t)snprintf(text, cap, "entity E {");

    for (uint32_t i = 0; i < 2 * n; i++)
        len += (size_t)snprintf(text + len, cap - len, "a%u:{\"%.16s\":Long},",
                                i, names[i % n]);
    len += (size_t)snprintf(text + len, cap - len, "};");
    return len;
}

static double cpu_seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double seconds_of(char (*names)[NAME], char *text, size_t cap,
                         struct cedar_schema **ret)
{
    size_t len = write_schema(text, cap, names, TYPES);
    double start = cpu_seconds();

    *ret = help_schema((struct ts_str){text, len}, false, NULL);
    assert_non_null(*ret);
    return cpu_seconds() - start;
}

/* Equal types one object, others not. */
static void check_types(const struct cedar_schema *s, char (*names)[NAME])
{
    const struct cedar_attrs *attrs = help_entity(s, "E")->attrs;
    char a[16], b[16];

    for (uint32_t i = 0; i < TYPES; i++) {
        const struct cedar_attr *x, *y;

        (void)snprintf(a, sizeof(a), "a%u", i);
        (void)snprintf(b, sizeof(b), "a%u", i + TYPES);
        x = cedar_attrs_find(attrs, ts_str_of(a));
        y = cedar_attrs_find(attrs, ts_str_of(b));
        assert_non_null(x);
        assert_non_null(y);
        assert_ptr_equal(x->type, y->type);
        assert_int_equal(x->type->as.attrs->count, 1);
        assert_memory_equal(x->type->as.attrs->list[0].name.ptr, names[i],
                            NAME);
    }
}

static void types_that_collide_are_found_as_fast(void **state)
{
    size_t cap = TYPES * 2 * 48;
    char(*names)[NAME] = ts_mem_alloc(TYPES * sizeof(*names));
    char *text = ts_mem_alloc(cap);
    struct cedar_schema *s;
    double usual, worst;

    (void)state;
    assert_non_null(names);
    assert_non_null(text);
    make_plain(names, TYPES);
    usual = seconds_of(names, text, cap, &s);
    check_types(s, names);
    cedar_schema_free(s);
    make_colliding(names, TYPES);
    for (uint32_t i = 1; i < TYPES; i++)
        assert_true(
            cedar_hash_str((struct ts_str){names[i], NAME}, record_seed()) ==
            cedar_hash_str((struct ts_str){names[0], NAME}, record_seed()));
    worst = seconds_of(names, text, cap, &s);
    check_types(s, names);
    cedar_schema_free(s);
    print_message("%u types: %.3f s, colliding %.3f s\n", TYPES, usual, worst);
    /* Measured 1.1 times; a table addressed by the hash takes 60 times. */
    assert_true(worst < 5 * usual + 0.05);
    ts_mem_free(names);
    ts_mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_that_collide_are_found_as_fast),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
