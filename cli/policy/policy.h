#ifndef CLI_POLICY_POLICY_H
#define CLI_POLICY_POLICY_H

/*
 * tipstaff policy: tools for Cedar files, with or without a sidecar. One
 * function a subcommand, one file each; they get their own arguments (argv[0]
 * is the subcommand's name) and return an exit status.
 */
int cmd_policy(int argc, char **argv);
int cmd_policy_corpus(int argc, char **argv);

#endif
