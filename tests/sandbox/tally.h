#ifndef TESTS_SANDBOX_TALLY_H
#define TESTS_SANDBOX_TALLY_H

#include "harness.h"

/*
 * What a launcher tells of several calls that run at once, in any order: for
 * each of them STARTED and EXITED once, or REFUSED once, and nothing else. Of
 * the launcher of profile "files" only.
 */
#define TALLY_MAX 32

struct tallied {
    uint64_t id;
    unsigned started, ended, refused;
    int fd[3]; /* the tool's stdio; owned; -1 once it has ended */
    struct order_exited exited;
    enum call_code code; /* of a refusal */
    char step[64];
};

struct tally {
    struct tallied of[TALLY_MAX];
    unsigned count;
    uint64_t barrier;
};

/* Before anything of that order can be told. */
void tally_await(struct tally *t, uint64_t id);
const struct tallied *tally_of(const struct tally *t, uint64_t id);
/* Until that one was answered; until it has started, which it must; until it
 * has said "ready" too; until it has ended. */
void tally_until_answered(struct tally *t, const struct box *b, uint64_t id);
void tally_until_started(struct tally *t, const struct box *b, uint64_t id);
void tally_until_ended(struct tally *t, const struct box *b, uint64_t id);
void tally_ready(struct tally *t, const struct box *b, uint64_t id);
void tally_close_stdin(struct tally *t, uint64_t id);
/* Until each has ended or was refused, and then until a barrier has come back,
 * behind which nothing more is told of them. */
void tally_collect(struct tally *t, const struct box *b);
void tally_clear(struct tally *t);

#endif
