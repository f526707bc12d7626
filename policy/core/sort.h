#ifndef POLICY_CORE_SORT_H
#define POLICY_CORE_SORT_H

#include <stddef.h>

typedef int (*cedar_order_fn)(const void *a, const void *b);

/* In place, n log n for any input, no heap: libc's qsort promises neither. */
void cedar_sort(void *base, size_t n, size_t size, cedar_order_fn order);

#endif
