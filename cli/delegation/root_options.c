#include "cli/delegation/root_options.h"

#include "cli/cmd.h"
#include "proto/wire/limits.h"

bool root_options_ok(uint64_t depth, uint64_t ttl_s)
{
    if (depth > TS_DEPTH_MAX) {
        cli_error("--depth: at most %d links are allowed below a root",
                  TS_DEPTH_MAX);
        return false;
    }
    if (ttl_s == 0 || ttl_s > TS_TTL_HARD_S) {
        cli_error("--ttl: from 1 second to %d hours", TS_TTL_HARD_S / 3600);
        return false;
    }
    return true;
}
