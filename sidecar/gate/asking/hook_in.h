#ifndef SIDECAR_GATE_ASKING_HOOK_IN_H
#define SIDECAR_GATE_ASKING_HOOK_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/msg/admin.h"
#include "proto/wire/limits.h"

/*
 * How the process of the on_pending hook fares, which is shown every question
 * (admin_uv.c) and may say nothing but HOOK. Nothing of it is asked for a
 * decision. What fails is in the status, and a record (hook_failed): at most
 * one in HOOK_RECORD_S, with counts that lose nothing.
 */
#define HOOK_RECORD_S 10

struct hook_state { /* zeroed: there was never one */
    bool was_there, attached;
    uint64_t ran, failed, left_out; /* of its processes that are gone, too */
    uint64_t past_ran, past_failed, past_left_out;
    char code[TS_CODE_MAX]; /* what failed last */
    size_t code_len;
    char text[TS_MESSAGE_TEXT_MAX];
    size_t text_len;
    bool record_due;
    uint64_t recorded_ns; /* boot time; 0: never */
};

struct gate;
/* The supervisor hands over the other end of its channel; takes fd. */
void hook_in_take(struct gate *g, uint32_t uid, int fd);
void hook_in_report(struct gate *g, const struct admin_hook *m);
void hook_in_gone(struct gate *g);
/* Writes the record that is due, if it may and there is room. */
void hook_in_turn(struct gate *g);
/* ,"hook":{..}; codes and numbers alone. */
TS_NODISCARD ts_err hook_in_status(const struct gate *g, struct ts_buf *out);

#endif
