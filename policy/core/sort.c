#include "policy/core/sort.h"

#include <string.h>

#include "proto/base/ts_require.h"

#define SIZE_MAX_ 64

static void swap(unsigned char *a, unsigned char *b, size_t size)
{
    unsigned char t[SIZE_MAX_];

    memcpy(t, a, size);
    memcpy(a, b, size);
    memcpy(b, t, size);
}

static void sift(unsigned char *base, size_t root, size_t n, size_t size,
                 cedar_order_fn order)
{
    while (2 * root + 1 < n) {
        size_t kid = 2 * root + 1;

        if (kid + 1 < n &&
            order(base + kid * size, base + (kid + 1) * size) < 0)
            kid++;
        if (order(base + root * size, base + kid * size) >= 0)
            return;
        swap(base + root * size, base + kid * size, size);
        root = kid;
    }
}

static void insertion(unsigned char *base, size_t n, size_t size,
                      cedar_order_fn order)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i;
             j > 0 && order(base + (j - 1) * size, base + j * size) > 0; j--)
            swap(base + (j - 1) * size, base + j * size, size);
}

void cedar_sort(void *base, size_t n, size_t size, cedar_order_fn order)
{
    TS_REQUIRE(size <= SIZE_MAX_);
    if (n <= 12) {
        insertion(base, n, size, order);
        return;
    }
    for (size_t i = n / 2; i > 0; i--)
        sift(base, i - 1, n, size, order);
    for (size_t i = n - 1; i > 0; i--) {
        swap(base, (unsigned char *)base + i * size, size);
        sift(base, 0, i, size, order);
    }
}
