#ifndef CLI_DIRECTORY_DIRECTORY_H
#define CLI_DIRECTORY_DIRECTORY_H

/*
 * tipstaff directory: who there is in a tenant, as one signed state. One
 * function a subcommand, one file each; they get their own arguments (argv[0]
 * is the subcommand's name) and return an enum cli_exit.
 */
int cmd_directory(int argc, char **argv);

int cmd_directory_apply(int argc, char **argv);
int cmd_directory_patch(int argc, char **argv);
int cmd_directory_show(int argc, char **argv);
int cmd_directory_export(int argc, char **argv);
int cmd_directory_push(int argc, char **argv);
int cmd_directory_heartbeat(int argc, char **argv);

#endif
