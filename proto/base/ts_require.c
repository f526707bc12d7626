#include "proto/base/ts_require.h"

#include <stdio.h>
#include <stdlib.h>

void ts_require_failed(const char *cond, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: requirement failed: %s\n", file, line, cond);
    abort();
}
