#ifndef SHIM_TIPSTAFF_H
#define SHIM_TIPSTAFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * libtipstaff: an agent's side of Tipstaff. One struct tipstaff is one
 * connection to the sidecar and one session under one delegation. Nothing here
 * is thread-safe across one object; several objects are independent. The
 * library prints nothing, installs no signal handler, starts no thread and
 * reads no environment but the six variables of tipstaff_open().
 *
 * Whatever goes wrong, a call is never reported as done: an answer is either
 * the sidecar's, proved by its signature in the handshake, or an error.
 *
 *     pkg-config --cflags --libs tipstaff          docs/EMBEDDING.md
 */
#ifdef __cplusplus
extern "C" {
#endif

#define TIPSTAFF_API __attribute__((visibility("default")))

#define TIPSTAFF_SOCKET_DEFAULT "/run/tipstaff/agent/agent.sock"
#define TIPSTAFF_MESSAGE_MAX    640 /* bytes of any sentence, with its NUL */
#define TIPSTAFF_IN_FLIGHT_MAX  64  /* calls of one session at once */
#define TIPSTAFF_CODE_MAX       65  /* bytes of a code, with its NUL */

enum tipstaff_status {
    TIPSTAFF_OK = 0,
    TIPSTAFF_AGAIN,       /* nothing yet within the given time */
    TIPSTAFF_USAGE,       /* an argument breaks a rule; nothing was sent */
    TIPSTAFF_UNAVAILABLE, /* no session: file, socket, sidecar or proof */
    TIPSTAFF_LOST,        /* session over; what was in flight is unknown */
    TIPSTAFF_LIMIT,       /* too many calls in flight, or message too large */
    TIPSTAFF_NOMEM
};

/* Exit codes of tipstaff-shim. A permitted tool's own code is passed on, and
 * 128 + N for signal N; these are chosen where common tools have none. */
enum tipstaff_exit {
    TIPSTAFF_EXIT_DENIED = 104,
    TIPSTAFF_EXIT_PENDING = 105,     /* a person must approve */
    TIPSTAFF_EXIT_REFUSED = 106,     /* permitted, but not started */
    TIPSTAFF_EXIT_UNAVAILABLE = 107, /* no sidecar, or it was lost */
    TIPSTAFF_EXIT_USAGE = 108
};

/* A run of bytes, not NUL-terminated. */
struct tipstaff_str {
    const char *ptr;
    size_t len;
};

/* Paths; NULL takes the variable named beside it. */
struct tipstaff_config {
    const char *socket;      /* TIPSTAFF_SOCKET, else the default above */
    const char *chain;       /* TIPSTAFF_DELEGATION: the chain's bytes */
    const char *key;         /* TIPSTAFF_KEY: the last holder's seed */
    const char *sidecar_key; /* TIPSTAFF_SIDECAR_KEY: one line of hex; without
                                it any sidecar is believed */
    int timeout_ms;          /* connect and handshake; 0 = 30,000 */
    bool sign_calls;         /* or TIPSTAFF_SIGN_CALLS=1: sign every call with
                                the key, for tenants that demand it; about
                                50 us each, and the key stays in guarded memory
                                until tipstaff_close() */
    const char *origin;      /* TIPSTAFF_ORIGIN: who began the task, signed;
                                else the chain's file name with .origin, if
                                there is one (docs/PROVENANCE.md) */
};

struct tipstaff;

/*
 * Connects, proves possession of the key and checks the sidecar's proof.
 * TIPSTAFF_UNAVAILABLE, TIPSTAFF_NOMEM: *ret is untouched and reterr_text
 * (TIPSTAFF_MESSAGE_MAX bytes, may be NULL) names the file, variable or socket
 * at fault. The secret key is wiped before this returns, unless sign_calls.
 */
TIPSTAFF_API enum tipstaff_status
tipstaff_open(const struct tipstaff_config *config, struct tipstaff **ret,
              char *reterr_text);

/* Ends the session; the sidecar kills what still runs. NULL is fine. */
TIPSTAFF_API void tipstaff_close(struct tipstaff *t);

/* One sentence on the last status other than OK and AGAIN; never NULL. Valid
 * until the next call on t. */
TIPSTAFF_API const char *tipstaff_message(const struct tipstaff *t);

enum tipstaff_type {
    TIPSTAFF_STRING, /* str */
    TIPSTAFF_INT,    /* num */
    TIPSTAFF_BOOL    /* num: 0 or 1 */
};

struct tipstaff_arg {
    const char *name;
    enum tipstaff_type type;
    const char *str; /* UTF-8, NUL-terminated */
    int64_t num;
};

/* Zeroed but for tool is a valid call without arguments. All borrowed, and
 * only for the duration of the function it is given to. */
struct tipstaff_call {
    const char *tool;
    const struct tipstaff_arg *args; /* used when args_msgpack is NULL */
    size_t args_count;
    const void *args_msgpack; /* one strict msgpack map with string keys */
    size_t args_msgpack_len;
    uint64_t deadline_ms;    /* 0 = the tool's own limit */
    uint32_t hold_ms;        /* when people are asked: wait that long for them,
                                at most an hour; 0 = do not wait */
    const char *traceparent; /* W3C Trace Context, or NULL */
    const char *const *provenance;
    size_t provenance_count;
    bool has_stdin;      /* tipstaff_stdin() follows */
    const uint8_t *id16; /* call id; NULL = random. Give the id of an earlier
                            call with retry to learn its outcome */
    bool retry;          /* never run twice: return the recorded outcome */
    /* The output is not wanted when it is longer than inline_max bytes (both
     * streams together): TIPSTAFF_KEPT comes in its place. The sidecar keeps it
     * for handles, and this side never sees it: what strangers wrote into it
     * does not taint the task. A manifest can demand the same of any call. */
    bool keep;
    uint32_t inline_max;
};

/*
 * Queues a call; any number up to TIPSTAFF_IN_FLIGHT_MAX may be under way.
 * *ret_seq names it in the events. TIPSTAFF_USAGE, TIPSTAFF_LIMIT: nothing was
 * queued. It is sent by the next tipstaff_next().
 */
TIPSTAFF_API enum tipstaff_status
tipstaff_submit(struct tipstaff *t, const struct tipstaff_call *call,
                uint64_t *ret_seq);

/*
 * Sends input of a permitted call, in the amount that the sidecar has room
 * for: *ret_taken <= len bytes were queued, possibly 0 (then wait for an
 * event). eof counts only when all of data was taken.
 */
TIPSTAFF_API enum tipstaff_status tipstaff_stdin(struct tipstaff *t,
                                                 uint64_t seq, const void *data,
                                                 size_t len, bool eof,
                                                 size_t *ret_taken);

/* Asks for the end of a call; its result still comes as an event. */
TIPSTAFF_API enum tipstaff_status tipstaff_cancel(struct tipstaff *t,
                                                  uint64_t seq);

enum tipstaff_verdict {
    TIPSTAFF_DENY = 0,
    TIPSTAFF_PENDING = 1,
    TIPSTAFF_PERMIT = 2
};

enum tipstaff_event_kind {
    TIPSTAFF_DECIDED = 1, /* verdict, code, decision_id, text, waits, expires.
                             Unless permitted, or waits is set, it is the last
                             event of this call */
    TIPSTAFF_OUTPUT,      /* stream, data */
    TIPSTAFF_ENDED,       /* reason, code, exit_code ...: the last event. It
                             comes without a DECIDED when the call was permitted
                             and could not be started, or ended before it was */
    TIPSTAFF_ROOM,        /* tipstaff_stdin() may take more */
    TIPSTAFF_KEPT         /* ref, stdout_bytes, stderr_bytes, outline, more: in
                             place of all output, before ENDED */
};

/*
 * What an output looks like that was kept back: values whose pointers (RFC
 * 6901) differ only in where they stand in arrays, and under keys that are not
 * told. No byte of a row is one that somebody else may have written: keys are
 * told where the tool's manifest names or trusts them.
 */
enum tipstaff_outline_type {
    TIPSTAFF_OUTLINE_STRING = 1,
    TIPSTAFF_OUTLINE_NUMBER,
    TIPSTAFF_OUTLINE_BOOL,
    TIPSTAFF_OUTLINE_NULL
};
struct tipstaff_outline {
    struct tipstaff_str pattern; /* "/0/sender" of a handle, with "*" for any
                                    place in an array and "?" for a key that is
                                    not told; "" is the whole */
    enum tipstaff_outline_type type;
    uint32_t count;    /* of such values */
    uint32_t min, max; /* bytes of strings, 0 where they are secret */
    bool untrusted;    /* strangers may have written one of them */
    bool secret;
};

/* Slices are valid until the next call on the same t. */
struct tipstaff_event {
    enum tipstaff_event_kind kind;
    uint64_t seq;
    enum tipstaff_verdict verdict;
    struct tipstaff_str code; /* stable word for machines */
    struct tipstaff_str text; /* may be shown to a model */
    uint8_t decision_id[16];
    bool waits;       /* people were asked, and the call is held for them:
                         another DECIDED comes, PENDING again when the hold is
                         over */
    uint64_t expires; /* of PENDING: unix seconds when the question ends; the
                         same call, made again before, runs if people said yes
                         meanwhile. 0 of anything else */
    int stream;       /* 1 stdout, 2 stderr */
    struct tipstaff_str data;   /* never empty */
    struct tipstaff_str reason; /* "exited", "refused", "wall_limit", ... */
    bool started;               /* false: refused after the permit */
    unsigned exit_code;         /* 0..255, when signal is 0 */
    unsigned signal;
    uint64_t stdout_bytes, stderr_bytes;
    uint64_t wall_us;
    bool stdout_truncated, stderr_truncated;
    bool recorded; /* the outcome of an earlier identical call */
    /* Of TIPSTAFF_ENDED and TIPSTAFF_KEPT: how later calls name this one's
     * output, in {"$ref": ref, "path": "/0/sender"} as an argument; "" for
     * none. */
    struct tipstaff_str ref;
    bool kept;                   /* of TIPSTAFF_ENDED: there was a KEPT */
    bool more;                   /* of TIPSTAFF_KEPT: it has more rows */
    unsigned outline_count;      /* of TIPSTAFF_KEPT */
    struct tipstaff_str outline; /* for tipstaff_outline_next() */
};

/*
 * The next row of a TIPSTAFF_KEPT; false: that was the last. *at is 0 before
 * the first, and the caller's. Slices live as long as the event's.
 */
TIPSTAFF_API bool tipstaff_outline_next(const struct tipstaff_event *ev,
                                        size_t *at,
                                        struct tipstaff_outline *ret);

/*
 * Sends what is queued and waits up to timeout_ms (-1: for ever, 0: not at
 * all) for the next event. TIPSTAFF_LOST is final: close t. As long as this is
 * not called the sidecar cannot send more than the socket holds, and the tool
 * waits: that is the way to make output wait.
 */
TIPSTAFF_API enum tipstaff_status
tipstaff_next(struct tipstaff *t, int timeout_ms, struct tipstaff_event *ret);

/* For a poll loop of one's own: the descriptor, and in *ret_events POLLIN,
 * with POLLOUT while something waits to be sent. The descriptor stays t's. */
TIPSTAFF_API int tipstaff_fd(const struct tipstaff *t, short *ret_events);

struct tipstaff_answer {
    enum tipstaff_verdict verdict;
    char code[TIPSTAFF_CODE_MAX];
    uint8_t decision_id[16];
};

/*
 * Asks about any number of calls without running them (tool, arguments,
 * traceparent and provenance are used). Fills answers[count]; on any error none
 * of them may be used. No call may be in flight. Of each 1,024 calls those with
 * equal traceparent and provenance go out in one message; timeout_ms is for the
 * answer to one message.
 */
TIPSTAFF_API enum tipstaff_status
tipstaff_check(struct tipstaff *t, const struct tipstaff_call *calls,
               size_t count, int timeout_ms, struct tipstaff_answer *answers);

#define TIPSTAFF_TOOL_ARGS_MAX 32

struct tipstaff_tool {
    struct tipstaff_str name, description, action;
    size_t args_count;
    struct {
        struct tipstaff_str name, type, description;
        bool required;
    } args[TIPSTAFF_TOOL_ARGS_MAX];
};

/* Lists what this delegation could ever use; slices are valid inside visit()
 * only. No call may be in flight. */
TIPSTAFF_API enum tipstaff_status
tipstaff_tools(struct tipstaff *t, int timeout_ms,
               void (*visit)(void *ctx, const struct tipstaff_tool *tool),
               void *ctx);

/*
 * Gives the grant up, for this and every session under it and everyone below:
 * it is revoked for good, and what runs under it is killed. Only the holder of
 * the chain's first block may; TIPSTAFF_USAGE for anyone else. Calls may be in
 * flight, and their events are dropped. TIPSTAFF_OK: the sidecar has confirmed
 * it, and the session is over. TIPSTAFF_LOST: it may or may not be revoked.
 */
TIPSTAFF_API enum tipstaff_status tipstaff_task_end(struct tipstaff *t,
                                                    int timeout_ms);

struct tipstaff_revocation { /* paths; zeroed but for chain and block is fine */
    const char *chain;       /* a chain that this holder handed on */
    const char *issuer; /* the issuer's public key, one line of hex; NULL: the
                           file CHAIN.issuer, which is written beside it */
    int block;          /* -1: the one right after this holder's; 0: the whole
                           grant; N: block N and all that was built on it */
    const char *key;    /* TIPSTAFF_KEY: the seed that signs this */
    const char *reason; /* for the sidecar's log, up to 256 bytes */
};

/*
 * Takes back what this holder has handed on, at once and for good: sessions
 * under it end and its tools are killed. Only what follows this holder's own
 * block; the whole grant only by who holds its root. No call may be in flight.
 * TIPSTAFF_OK: the sidecar has confirmed it. TIPSTAFF_USAGE: nothing was sent.
 * TIPSTAFF_LOST: it may or may not be revoked.
 */
TIPSTAFF_API enum tipstaff_status
tipstaff_revoke(struct tipstaff *t, const struct tipstaff_revocation *r,
                int timeout_ms);

/* One round trip that decides nothing. No call may be in flight. */
TIPSTAFF_API enum tipstaff_status tipstaff_ping(struct tipstaff *t,
                                                int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
