#ifndef SIDECAR_COMMON_RING_RING_H
#define SIDECAR_COMMON_RING_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"

/*
 * The hand-off from gate to recorder: a byte ring in shared memory (memfd),
 * one producer, one consumer. An entry is {u32 len, u32 kind, byte[len]},
 * padded to 8 bytes; an entry never wraps (a filler entry of kind 0 ends the
 * lap). What is in the ring survives the gate.
 *
 * The two sides do not trust each other. The consumer copies an entry before
 * it looks at it and checks every length against the ring; a producer that
 * breaks the rules gives TS_E_FORMAT, after which the recorder stops. The
 * producer only reads the consumer's position and state, and treats nonsense
 * there as "full".
 *
 * Waking: an eventfd, and a word in which the consumer says how it waits. Busy:
 * it looks again before it waits, nobody needs to wake it. Napping: it looks
 * again within a millisecond; only ring_wake() wakes it. Sleeping:
 * ring_commit() wakes it too. So in steady traffic records cost no system call,
 * orders wake at once, and an idle recorder does not run.
 *
 * Layout: one page of head (the words of the consumer and the producer's head
 * each on a cache line of its own), then TS_RING_BYTES of entries.
 *
 * The ring outlives both sides. A consumer that dies leaves a mark of how far
 * it had come, so that the next one writes what is missing and nothing twice.
 * There are two places for it: the one that begins at the tail counts, the
 * other is being written. So at every instruction exactly one holds.
 */
struct ring_writer { /* gate */
    void *shared;
    size_t map_len;
    int wake_fd; /* owned */
    uint64_t head;
    uint64_t reserved; /* where the reserved entry begins */
    size_t room;       /* bytes of body reserved there */
};
struct ring_reader { /* recorder */
    void *shared;
    size_t map_len;
    int wake_fd; /* owned */
    uint64_t tail;
    uint64_t released;    /* tail as the producer sees it */
    uint64_t journal_seq; /* goes into the mark with the next ring_release() */
    uint32_t mark;        /* which of the two counts */
};

/* What is in the log and the journal of the entries behind the tail. */
struct ring_mark {
    uint64_t end;     /* of the entries before it, the k-th that makes a line */
    uint64_t log_seq; /* has this number + k, if that line is there */
    uint64_t journal_seq; /* the k-th journal entry has this number + k, too */
};

/* What the recorder tells the gate, in the ring's head. */
enum ring_state {
    RING_STOPPED = 0, /* nothing can be recorded: nothing may be decided */
    RING_OK = 1,
    RING_NO_SPACE = 2 /* only the reserve is left: denials and admin events */
};

/* Supervisor: a sealed-size memfd of the right size, initialised. */
TS_NODISCARD ts_err ring_create(int *ret_memfd);
/* Nothing in it that its consumer has not released. */
bool ring_is_empty(int memfd);

/* Both take over wake_fd; memfd stays the caller's and may be closed. The
 * reader's TS_E_FORMAT: its own words make no sense, see ring_forget(). */
TS_NODISCARD ts_err ring_writer_open(int memfd, int wake_fd,
                                     struct ring_writer *ret);
TS_NODISCARD ts_err ring_reader_open(int memfd, int wake_fd,
                                     struct ring_reader *ret);
void ring_writer_done(struct ring_writer *w);
void ring_reader_done(struct ring_reader *r);

/* Room for one entry's body, written in place; then commit or forget it.
 * TS_E_AGAIN: full now, stop reading from agents and try later. */
TS_NODISCARD ts_err ring_reserve(struct ring_writer *w, size_t max_len,
                                 uint8_t **ret);
void ring_commit(struct ring_writer *w, uint32_t kind, size_t len);
/* Room for entries of so many bytes of body altogether, count of them, wherever
 * the lap ends; false also when that can never be. */
bool ring_has_room(const struct ring_writer *w, size_t bytes, size_t count);
void ring_wake(struct ring_writer *w);
enum ring_state ring_state_read(const struct ring_writer *w);
bool ring_is_drained(const struct ring_writer *w); /* consumer is at head */
/* After ring_commit(): a consumer in good order takes it, or this says false
 * (RING_STOPPED). One that dies leaves it to the next. */
bool ring_is_taken(const struct ring_writer *w);

/* Copies the next entry to buf. TS_E_AGAIN: none. TS_E_FORMAT: hostile.
 * TS_E_LIMIT: longer than cap (TS_RING_ENTRY_MAX is always enough). */
TS_NODISCARD ts_err ring_next(struct ring_reader *r, void *buf, size_t cap,
                              uint32_t *ret_kind, size_t *ret_len);
/* What was read so far is about to be written, behind the log's line log_seq.
 * Before the first byte of it. */
void ring_writing(struct ring_reader *r, uint64_t log_seq);
/* Frees everything read so far for the producer: call after it is durable. */
void ring_release(struct ring_reader *r);
void ring_state_set(struct ring_reader *r, enum ring_state s);

/* False: nobody has marked anything. */
bool ring_mark_read(const struct ring_reader *r, struct ring_mark *ret);
/* While there is no producer: what is left is given up, and the ring is empty
 * where the reader stands, with a mark that says so. */
void ring_begin(struct ring_reader *r);
/* The same for a ring whose words make no sense: as ring_create() made it. */
TS_NODISCARD ts_err ring_forget(int memfd);

/* How the consumer is about to wait. False: something came meanwhile, do not
 * wait. After waiting (or instead) ring_busy() clears the word and the
 * eventfd. */
enum ring_wait {
    RING_BUSY = 0,
    RING_NAP = 1,
    RING_SLEEP = 2
};
TS_NODISCARD bool ring_wait_begin(struct ring_reader *r, enum ring_wait how);
void ring_busy(struct ring_reader *r);

#endif
