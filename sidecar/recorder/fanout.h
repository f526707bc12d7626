#ifndef SIDECAR_RECORDER_FANOUT_H
#define SIDECAR_RECORDER_FANOUT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/msg/admin.h"
#include "proto/wire/limits.h"
#include "sidecar/common/control/control.h"
#include "sidecar/recorder/journal_file.h"
#include "sidecar/recorder/line.h"

/*
 * log.sock: operators read the log live (ADMIN_TAIL, proto/msg/admin.h) and
 * what is revoked (ADMIN_LIST). Each client is a place in the segment files, or
 * in the journal, read with pread, and one bounded buffer; so a slow reader
 * costs no memory and holds nothing up, and it sees what is durable or written,
 * never what is only gathered.
 *
 * A uid of tenant_operators that is not in admin_uids reads its tenants only:
 * lines and entries of others, and those of no tenant, are left out; asking for
 * another tenant by name is denied.
 */
#define FANOUT_REQUEST_MAX 2048   /* bytes of a request's body */
#define FANOUT_REQUEST_MS  5000   /* to send it */
#define FANOUT_READ        262144 /* bytes read per client and turn */

enum tail_state {
    TAIL_ASKED = 0, /* connected, request not whole yet */
    TAIL_COUNT,     /* counting matches, for "the last N" with a filter */
    TAIL_SEND,      /* sending what matches */
    TAIL_LIST,      /* sending entries of the journal */
    TAIL_FLUSH      /* nothing more to send: close when it is out */
};

/* Which tenants a client may read: all, or those at the bits of operators. */
struct tail_scope {
    const struct control_operator *operators; /* borrowed */
    uint32_t bits;
    bool limited;
};
bool tail_scope_has(const struct tail_scope *s, struct ts_str tenant);

struct tail_filter { /* "" and 0 let everything through */
    struct tail_scope scope;
    char tenant[TS_ID_MAX + 1], agent[TS_ID_MAX + 1], effect[16];
    char since[LINE_TIME];
};

struct tail_cursor { /* zeroed with fd -1 = nowhere */
    int fd;          /* owned: the segment */
    uint64_t first_seq;
    uint64_t offset;
    uint64_t next_seq; /* number of the line at offset */
};

/* A place in the journal as it was when the client asked: compaction may put a
 * new file in its place meanwhile. */
struct list_cursor { /* zeroed with fd -1 = nowhere */
    int fd;          /* owned */
    struct journal_reader reader;
    uint64_t asked_seq;
    uint64_t now_s; /* when it asked */
};

struct tail_client {
    int fd; /* owned, -1 = free place */
    uint32_t uid;
    enum tail_state state;
    bool follow;
    bool stuck; /* the socket is full: wait for POLLOUT */
    uint64_t deadline_ns;
    uint64_t from_seq; /* where counting and sending begin */
    uint64_t end_seq;  /* the last line when it asked */
    uint64_t last;     /* "the last N", 0 = all */
    uint64_t matches, skip;
    struct tail_filter filter;
    struct tail_cursor at;
    struct list_cursor list;
    struct ts_buf in, out;
};

struct fanout {
    int listen_fd;                 /* borrowed */
    int log_dir;                   /* borrowed */
    const struct journal *journal; /* borrowed */
    const uint32_t *uids;
    uint32_t uid_count;
    const struct control_operator *operators; /* borrowed */
    uint32_t operator_count;                  /* <= CONTROL_OPERATORS_MAX */
    char *buf;                                /* owned, RECORD_LINE_MAX */
    struct tail_client clients[TS_ADMIN_CONNS_MAX];
};

/* What may be read: everything up to here. */
struct log_end {
    uint64_t last_seq;  /* 0 = nothing */
    uint64_t first_seq; /* of the segment that is being written */
    uint64_t size;      /* its committed bytes */
    uint64_t now_s;     /* unix seconds */
};

/* For as long as the process lives. */
TS_NODISCARD ts_err fanout_init(struct fanout *f);

/* The listener and the clients, for poll(): fds has 1 + TS_ADMIN_CONNS_MAX
 * places; returns how many were filled. *ret_busy: some client can go on at
 * once, do not wait. */
size_t fanout_poll_set(const struct fanout *f, struct log_end end,
                       struct pollfd *fds, bool *ret_busy);
/* After poll(): accepts, reads requests, and moves every client on a bit. */
void fanout_turn(struct fanout *f, const struct pollfd *fds, size_t count,
                 struct log_end end, uint64_t now_ns);

/* fanout_list.c: the journal's cursor. */
TS_NODISCARD ts_err list_begin(struct fanout *f, struct tail_client *c,
                               const struct admin_list *m, uint64_t now_s);
void list_end(struct list_cursor *c);
/* A bounded piece of the list into c->out. TS_E_AGAIN: all of it was sent. */
TS_NODISCARD ts_err list_step(struct fanout *f, struct tail_client *c,
                              size_t out_high);

/* fanout_read.c: the cursor. Places it at the line from_seq (or the first one
 * there is, if that is later). TS_E_AGAIN: no such line yet. */
TS_NODISCARD ts_err tail_seek(struct fanout *f, struct tail_cursor *c,
                              uint64_t from_seq, struct log_end end);
/* The next whole line, without newline, borrowed from f->buf until the next
 * call. TS_E_AGAIN: at the end. *budget: bytes that may still be read. */
TS_NODISCARD ts_err tail_read(struct fanout *f, struct tail_cursor *c,
                              struct log_end end, const char **ret,
                              size_t *ret_len);
bool tail_filter_passes(const struct tail_filter *t, const char *line,
                        size_t len);

#endif
