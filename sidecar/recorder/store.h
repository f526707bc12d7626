#ifndef SIDECAR_RECORDER_STORE_H
#define SIDECAR_RECORDER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "sidecar/recorder/json_out.h"
#include "sidecar/recorder/line.h"
#include "sidecar/recorder/open.h"
#include "sidecar/recorder/record.h"
#include "sidecar/recorder/segment.h"

/*
 * The log as a whole: lines are gathered with store_add(), then written and
 * made durable together with store_commit() (group commit). Knows which
 * launches are open and lives with a full disk as docs/LOG.md says.
 */
#define STORE_BATCH (4u << 20) /* bytes gathered before a commit is due */

struct store_settings {
    int log_dir; /* borrowed */
    uint64_t segment_bytes;
    uint64_t reserve_bytes;
    bool sync; /* commit means fdatasync; otherwise written is enough */
    char sidecar[TS_ID_MAX + 1]; /* told by the first lines of a segment */
};

struct store {
    struct store_settings settings;
    struct segment segment;
    struct reserve reserve;
    struct chain chain;
    struct open_launches open;
    struct ts_json out;     /* the gathered lines; memory owned */
    uint64_t last_us;       /* time of a line, never backwards */
    uint64_t journal;       /* its newest number, as given last */
    uint64_t cut_bytes;     /* of a torn end, for store_begin() to tell */
    uint64_t cut_segment;   /* where it was: first number of its file */
    uint64_t found_journal; /* what the log said at the start ("restart.h") */
    char found_sidecar[TS_ID_MAX + 1];
    bool unsynced; /* written since the last fdatasync */
    bool no_space; /* the reserve is in use */
};

/* Opens or begins the log and cuts a torn end; writes no line. Then what is
 * left of an earlier life is to be added, then store_begin(). On failure
 * reterr_text says what and where. */
TS_NODISCARD ts_err store_open(const struct store_settings *settings,
                               struct store *ret, char *reterr_text,
                               size_t reterr_cap);
/* Tells of a torn end, closes the launches that an earlier life left open. */
TS_NODISCARD ts_err store_begin(struct store *s, uint64_t unix_us);
void store_done(struct store *s);

/* True while one more line of any length fits the batch. */
bool store_has_room(const struct store *s);

/* A record of the gate. A launched decision opens, exec_ended closes. */
TS_NODISCARD ts_err store_add(struct store *s, const struct record *r,
                              bool launched, uint64_t unix_us);
/* Of our own: kind with some members, NULL key for none. */
#define STORE_MEMBERS 3
struct store_member {
    const char *key;
    const char *text; /* NULL: number */
    uint64_t number;
};
TS_NODISCARD ts_err store_note(struct store *s, const char *kind,
                               const struct store_member members[STORE_MEMBERS],
                               uint64_t unix_us);
/* The journal's newest number: the next line tells it. What is written with it
 * must wait until that entry is durable. */
void store_journal_is(struct store *s, uint64_t seq);
/* Every open launch ends as "lost". May commit in between. */
TS_NODISCARD ts_err store_close_open(struct store *s, uint64_t unix_us);

/* Writes what was gathered, and begins a new segment when this one is full;
 * store_commit() also syncs if the settings say so. TS_OK with s->no_space set:
 * it was written from the reserve. Any error: nothing may be decided any more.
 */
TS_NODISCARD ts_err store_write(struct store *s, uint64_t unix_us);
TS_NODISCARD ts_err store_commit(struct store *s, uint64_t unix_us);
TS_NODISCARD ts_err store_sync(struct store *s);
/* With no_space: tries to make the reserve again, and if it can, clears it. */
void store_try_recover(struct store *s);

#endif
