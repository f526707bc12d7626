#include <stdio.h>

#include "cli/breakglass/breakglass.h"
#include "cli/cmd.h"
#include "cli/json_line.h"

bool breakglass_json(json_t *j)
{
    bool done = cli_json_line(j);

    json_decref(j);
    if (done && fflush(stdout) == 0)
        return true;
    cli_error("out of memory, or standard output does not take more");
    return false;
}
