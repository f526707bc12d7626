#ifndef SHIM_CLI_WAITING_H
#define SHIM_CLI_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "shim/tipstaff.h"

/*
 * That a call waits for people, on standard error: one line, on a terminal kept
 * up to date every second until waiting_end().
 */
struct waiting { /* zeroed: nobody waits */
    bool on, is_tty;
    int64_t until; /* link_deadline() of the end of the hold */
    char line[160];
    int64_t shown; /* seconds left that are on the terminal */
};
void waiting_begin(struct waiting *w, const struct tipstaff_event *ev,
                   uint32_t hold_ms, bool is_tty);
/* How long to sleep at most before waiting_tick(), or left_ms, if less; -1 is
 * for ever, both ways. */
int waiting_sleep_ms(const struct waiting *w, int left_ms);
void waiting_tick(struct waiting *w);
void waiting_end(struct waiting *w);

/* --events: what happened, as a line of JSON on standard error. */
void event_waiting(const struct tipstaff_event *ev, uint32_t hold_ms);
void event_decided(const struct tipstaff_event *ev);
void event_kept(const struct tipstaff_event *ev);
void event_ended(const struct tipstaff_event *ev, const uint8_t *decision_id);

#endif
