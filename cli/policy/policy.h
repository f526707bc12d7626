#ifndef CLI_POLICY_POLICY_H
#define CLI_POLICY_POLICY_H

/*
 * tipstaff policy: tools for Cedar files, with or without a sidecar. One
 * function a subcommand, one file each; they get their own arguments (argv[0]
 * is the subcommand's name) and return an exit status: that of enum cli_exit
 * (cli/cmd.h), but for eval, which answers as the `cedar` command does.
 */
int cmd_policy(int argc, char **argv);

int cmd_policy_check(int argc, char **argv);
int cmd_policy_fmt(int argc, char **argv);
int cmd_policy_eval(int argc, char **argv);
int cmd_policy_explain(int argc, char **argv);
int cmd_policy_test(int argc, char **argv);
int cmd_policy_diff(int argc, char **argv);
int cmd_policy_bench(int argc, char **argv);
int cmd_policy_corpus(int argc, char **argv);
int cmd_policy_translate(int argc, char **argv);
int cmd_policy_schema(int argc, char **argv);

#endif
