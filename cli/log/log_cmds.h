#ifndef CLI_LOG_LOG_CMDS_H
#define CLI_LOG_LOG_CMDS_H

/* The subcommands of tipstaff log. */
int log_verify(int argc, char **argv);
int log_show(int argc, char **argv);

#endif
