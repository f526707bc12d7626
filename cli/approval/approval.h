#ifndef CLI_APPROVAL_APPROVAL_H
#define CLI_APPROVAL_APPROVAL_H

/* tipstaff approval: what people are asked, and what they answer. */
int cmd_approval(int argc, char **argv);
int approval_vectors_run(int argc, char **argv);

#endif
