#ifndef TESTS_SCENARIO_RECORDER_RIG_H
#define TESTS_SCENARIO_RECORDER_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/msg/order.h"
#include "sidecar/common/ring/ring.h"

/*
 * A running tipstaff-recorder with everybody around it played by the test. All
 * functions fail the test themselves.
 */
struct rig {
    char dir[64], log[80], state[80], socket[96];
    pid_t pid; /* of the recorder, 0 when none runs */
    int control, launcher, memfd;
    int launcher_end; /* the recorder gets this socket of a real launcher
                         instead of one to us; -1 */
    bool keep_ring;   /* the next recorder gets the ring that this one had */
    struct ring_writer ring;
    int journal; /* the memfd that came with READY */
    bool sync;
    uint64_t segment_bytes, reserve_bytes;
    const char *operator_of; /* this uid reads that tenant only, or NULL */
    bool init_state;
    const char *sidecar;
    const char *mount_options; /* a tmpfs of its own for the log, or NULL */
};

void rig_init(struct rig *r); /* makes the directories */
void rig_start(struct rig *r);
/* Without READY; returns the exit code of a recorder that refuses. */
int rig_start_refused(struct rig *r);
int rig_drain(struct rig *r); /* exit code; -signal when killed */
int rig_wait(struct rig *r);
void rig_kill(struct rig *r);
void rig_done(struct rig *r); /* ends what runs and removes everything */

/* Decision ids are made of a number, so are order ids. */
void rig_id(uint8_t id[16], uint32_t n);
void rig_denial(struct rig *r, uint32_t n, size_t padding);
void rig_launch(struct rig *r, uint32_t n); /* wakes the recorder */
void rig_outcome(struct rig *r, uint32_t n, const char *reason);
void rig_raw(struct rig *r, enum ring_kind kind, const void *body, size_t len);
void rig_revocation(struct rig *r, const char *payload);
/* One that means something: agent of a tenant, issued up to cutoff. */
void rig_revoke(struct rig *r, const char *tenant, const char *agent,
                uint64_t cutoff, uint64_t keep_until);
void rig_barrier(struct rig *r, uint64_t id);
void rig_kill_order(struct rig *r, uint32_t n);

/* The bodies, for tests that break them. */
size_t rig_decision(uint8_t *out, size_t cap, uint32_t n, const char *effect,
                    uint64_t order, size_t padding);
size_t rig_order(uint8_t *out, size_t cap, uint32_t n);

/* The next message to the launcher; waits at most 10 s. *ret_order: its order
 * or barrier id. */
enum hop_type rig_hop(struct rig *r, uint64_t *ret_order);
/* Entries of the journal that came with READY. */
size_t rig_journal_count(struct rig *r);
bool rig_no_hop(struct rig *r); /* nothing is there now */

/* Whole log as text (NUL-terminated, static buffer); how often text is in it.
 */
const char *rig_log(struct rig *r);
size_t rig_count(struct rig *r, const char *text);
/* Waits until ring_is_drained(). */
void rig_settle(struct rig *r);
/* Both verifiers on the log; fails unless they agree with ok. */
void rig_verify(struct rig *r, bool ok);
/* Runs tipstaff with these words (NULL ends), output to text; exit code. */
int rig_cli(char *out, size_t cap, const char *const *words);

#endif
