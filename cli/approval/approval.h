#ifndef CLI_APPROVAL_APPROVAL_H
#define CLI_APPROVAL_APPROVAL_H

/* tipstaff approvals, also written approval: what people are asked, and what
 * they answer. */
int cmd_approval(int argc, char **argv);

int approval_ls_run(int argc, char **argv);
int approval_show_run(int argc, char **argv);
int approval_watch_run(int argc, char **argv);
int approval_approve_run(int argc, char **argv);
int approval_deny_run(int argc, char **argv);
int approval_vectors_run(int argc, char **argv);

#endif
