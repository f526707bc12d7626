#ifndef TESTS_UNIT_CLI_DIRECTORY_SAMPLE_H
#define TESTS_UNIT_CLI_DIRECTORY_SAMPLE_H

#include "proto/base/ts_arena.h"
#include "proto/trust/directory_snapshot.h"

/* Keys of the sample and spare ones; n below 100. lower-case hex. */
const char *sample_key(struct ts_arena *arena, unsigned n);
void sample_pk(unsigned n, uint8_t ret[TRUST_PK_LEN]);

/*
 * Tenant acme, number 7: alice (developers, ops; dept, level), bob (viewers),
 * carol (inactive); agents coder (alice's, key 1, uids 10001 and 10002),
 * coder/tester (keys 2 and 3, max_depth 2, lang), reader; approvers carol (key
 * 4: delete, deploy; lead) and alice (key 5, inactive). Needs trust_init().
 */
void sample_snapshot(struct ts_arena *arena, struct directory_snapshot *ret);

/* The lists of s as lines of text, in arena. */
const char *sample_text(const struct directory_snapshot *s,
                        struct ts_arena *arena);

#endif
