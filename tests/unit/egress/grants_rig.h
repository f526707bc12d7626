#ifndef TESTS_UNIT_EGRESS_GRANTS_RIG_H
#define TESTS_UNIT_EGRESS_GRANTS_RIG_H

#include <sys/types.h>

#include "sidecar/broker/broker.h"
#include "sidecar/broker/grants.h"

#define RIG_TURNS_MAX 3000 /* of a millisecond each, for what must happen */

/* A broker between a fake gate, a tool that is ours, and hosts on the
 * loopback; a cmocka test's. */
struct rig {
    struct broker b;
    struct policy policy;
    struct manifests manifests;
    struct manifest tool;
    struct manifest_host allow[2];
    struct manifest_cidr loopback;
    uint16_t ports[3];
    int gate, channel; /* our ends */
    int listener, full, host;
    int filler[4];
    int dns; /* a name server that never answers */
};

struct asked {
    int stream, answer; /* the tool's */
};

/* Numbers of ours that the broker uses by number. */
int rig_keep_numbers(void **state);
void rig_open(struct rig *r);
void rig_close(struct rig *r);
ts_err rig_begin(struct rig *r);
void rig_end(struct rig *r);
int rig_setup(void **state);
int rig_teardown(void **state);
void rig_turn(struct rig *r);
ts_err rig_add(struct rig *r, uint64_t order);
void send_fds(int sock, const void *bytes, size_t len, const int *fds,
              size_t n);
struct asked rig_ask(const struct rig *r, const char *host, uint16_t port);
void rig_hang_up(struct asked *a);
/* Waits for a message; -1: it was closed without one, or nothing comes. */
ssize_t rig_hear(struct rig *r, int fd, void *buf, size_t cap);
/* The code that the tool is told; -1: its end of the channel was closed. */
int rig_told(struct rig *r, const struct asked *a);
/* What the gate is told next; 0: nothing. */
int gate_hears(struct rig *r, uint8_t buf[EGRESS_MESSAGE_MAX], size_t *ret_len);
uint64_t hears_opened(struct rig *r);
enum egress_code hears_denied(struct rig *r, uint64_t *ret_count);
struct egress_closed hears_closed(struct rig *r);
void gate_answers(const struct rig *r, uint64_t id, enum egress_code code);
void gate_ends(const struct rig *r, uint64_t order);
int rig_count_fds(void);

#endif
