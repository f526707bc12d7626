#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/cmd.h"
#include "policy/cedar.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_mem_stop.h"

int main(int argc, char **argv)
{
    int code;

    json_set_alloc_funcs(ts_mem_alloc_or_stop, ts_mem_free);
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        code = printf("tipstaff %s, Cedar language %s\n", TIPSTAFF_VERSION,
                      CEDAR_LANGUAGE) > 0
                   ? CLI_OK
                   : CLI_FAILED;
    else
        code = cli_dispatch(cli_commands, "tipstaff", NULL, argc, argv);

    /* a result that was not written is not a result */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_error("standard output could not be written");
        return code == CLI_OK ? CLI_FAILED : code;
    }
    return code;
}
