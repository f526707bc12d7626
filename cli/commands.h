#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/* The functions behind the table in commands.c, one file each. */
int cmd_key(int argc, char **argv);
int cmd_delegate(int argc, char **argv);
int cmd_attenuate(int argc, char **argv);
int cmd_origin(int argc, char **argv);
int cmd_issuer(int argc, char **argv);
int cmd_delegation(int argc, char **argv);
int cmd_tail(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_revoke(int argc, char **argv);
int cmd_drill(int argc, char **argv);

#endif
