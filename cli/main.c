#include <stdio.h>

#include "cli/cmd.h"

int main(int argc, char **argv)
{
    int code = cli_dispatch(cli_commands, "tipstaff", NULL, argc, argv);

    /* a result that was not written is not a result */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_error("standard output could not be written");
        return code == CLI_OK ? CLI_FAILED : code;
    }
    return code;
}
