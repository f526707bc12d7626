#ifndef PROTO_MSG_CLIENT_H
#define PROTO_MSG_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/code.h"
#include "proto/wire/limits.h"

/*
 * Messages between shim and gate: the type is in the frame head, the body is
 * one msgpack array of fixed arity whose first element is the message version.
 * docs/PROTOCOL.md documents every field, what the receiver must check, and the
 * order in which messages are legal. HELLO, AUTH and WELCOME are in
 * proto/trust/handshake.h, since their bytes are signed.
 */
enum client_type {
    MSG_HELLO = 1,     /* gate to shim */
    MSG_AUTH = 2,      /* shim to gate */
    MSG_WELCOME = 3,   /* gate to shim */
    MSG_ERROR = 4,     /* gate to shim; the connection closes after it */
    MSG_CALL = 5,      /* shim to gate */
    MSG_DECISION = 6,  /* gate to shim */
    MSG_STDIN = 7,     /* shim to gate */
    MSG_OUTPUT = 8,    /* gate to shim */
    MSG_RESULT = 9,    /* gate to shim */
    MSG_CANCEL = 10,   /* shim to gate */
    MSG_CHECK = 11,    /* shim to gate */
    MSG_CHECKED = 12,  /* gate to shim */
    MSG_TOOLS = 13,    /* both: question and answer */
    MSG_TASK_END = 14, /* shim to gate: surrender the grant; answered by it */
    MSG_PING = 15,     /* both: echoed */
    MSG_WINDOW = 16,   /* gate to shim: more stdin may be sent */
    MSG_REVOKE = 17,   /* shim to gate: a signed revocation of what this holder
                          handed on; answered by it */
    MSG_ORIGIN = 18,   /* shim to gate: who began the task, signed */
    MSG_KEPT = 19      /* gate to shim: an output that was kept back */
};

/* [a-z0-9][a-z0-9._-]*, at most TS_TOOL_NAME_MAX bytes */
bool tool_name_is_valid(struct ts_str name);

#define MSG_SIGNAL_MAX                                                         \
    64 /* the highest signal number that RESULT may carry                      \
        */

/*
 * seq in every message after CALL or CHECK is the seq of that call or check
 * and never 0. TOOLS, TASK_END and REVOKE are not counted: their seq is any
 * number of the shim's choice, and the answer repeats it.
 *
 * All slices below borrow from the decoded body.
 */

/* [1, code str, text str] */
struct msg_error {
    struct ts_str code;
    struct ts_str text;
};

enum call_flags {
    CALL_HAS_STDIN = 1, /* STDIN messages follow; otherwise stdin is empty */
    CALL_RETRY = 2,     /* same call_id and bytes as an earlier call: return its
                           recorded outcome, never run twice */
    CALL_KEEP = 4 /* an output of more than inline_max bytes is not wanted,
                     only what handles call it */
};

/*
 * [4, seq, call_id bin16, tool str, args map, deadline_ms, traceparent str,
 *  provenance [str...], flags, min_rev_seq, hold_ms, inline_max,
 *  sig bin(0|64)]
 */
struct msg_call {
    uint64_t seq;        /* 1 for the first CALL or CHECK, then +1 each */
    uint8_t call_id[16]; /* unique per grant */
    struct ts_str tool;
    struct ts_bytes args; /* exact bytes of a strict msgpack map, str keys */
    uint64_t deadline_ms; /* from receipt; 0 = the tool's own limit */
    struct ts_str traceparent;                   /* W3C, 55 bytes, or empty */
    struct ts_str provenance[TS_PROVENANCE_MAX]; /* declared by the agent */
    uint32_t provenance_count;
    uint32_t flags;
    uint64_t min_rev_seq; /* decide on revocation state at least this new */
    uint32_t hold_ms; /* when people are asked: wait that long for them, at most
                         TS_HOLD_MAX_MS; 0 = do not wait */
    uint32_t inline_max; /* with CALL_KEEP: bytes of both streams together;
                            otherwise 0 */
    struct ts_bytes sig; /* empty, or Ed25519 over the envelope */
    /* Set by the decoder, ignored by the sender: the body's bytes from the
     * array head to inline_max, so without sig and its head. It is the
     * "envelope without sig" that a signature covers. */
    struct ts_bytes unsigned_part;
};

/*
 * [2, seq, verdict, code str, decision_id bin16, text str, expires]; the code
 * is "permitted" if and only if the verdict is PERMIT.
 *
 * PENDING: people were asked; decision_id is what they know the question by.
 * Of a call with a hold there is a second DECISION: PERMIT (when the tool was
 * started) or DENY when they have answered, PENDING again when the hold is over
 * and they have not. The question stays until it expires, and the same call,
 * made again before that, runs if they said yes meanwhile.
 */
struct msg_decision {
    uint64_t seq;
    enum verdict verdict;
    struct ts_str code;
    uint8_t decision_id[16];
    struct ts_str text; /* what may be shown to the model */
    uint64_t expires;   /* of PENDING: unix seconds when the question ends; 0
                           of anything else */
};

/* [1, seq, data bin, eof bool]; empty data only with eof */
struct msg_stdin {
    uint64_t seq;
    struct ts_bytes data;
    bool eof;
};

/* [1, seq, stream, data bin]; data is never empty */
enum out_stream {
    STREAM_STDOUT = 1,
    STREAM_STDERR = 2
};
struct msg_output {
    uint64_t seq;
    enum out_stream stream;
    struct ts_bytes data;
};

enum result_flags {
    RESULT_STDOUT_TRUNCATED = 1,
    RESULT_STDERR_TRUNCATED = 2,
    RESULT_RECORDED = 4, /* the outcome of an earlier identical call */
    RESULT_KEPT = 8      /* the output was kept back: no OUTPUT, but KEPT */
};

/* [1, seq, reason str, code str, exit_code, signal, stdout_bytes,
 *  stderr_bytes, wall_us, flags]; reason is one of END_REASON_MAP, and it is
 *  "refused" if and only if the code is not "permitted" */
struct msg_result {
    uint64_t seq;
    struct ts_str reason; /* end_reason_name() */
    struct ts_str code;   /* "permitted", or why the launch was refused */
    uint32_t exit_code;   /* 0..255, when signal is 0 */
    uint32_t signal;      /* 0 when it exited */
    uint64_t stdout_bytes;
    uint64_t stderr_bytes;
    uint64_t wall_us;
    uint32_t flags;
    struct ts_str ref; /* "call-N": what handles call its output; "" of one
                          that was not started */
};

/*
 * [1, seq, ref str, stdout_bytes, stderr_bytes, more bool, [[pattern str, type,
 *  count, min, max, source, secret bool]...]]
 *
 * An output that the agent is not given, before its RESULT: by the tool's
 * manifest, or because the CALL asked for it. What it looks like, for
 * arguments of later calls; no byte of it that somebody else may have written.
 */
enum outline_type {
    OUTLINE_STRING = 1,
    OUTLINE_NUMBER,
    OUTLINE_BOOL,
    OUTLINE_NULL
};
enum outline_source {
    OUTLINE_TRUSTED = 1,
    OUTLINE_UNTRUSTED
};
/* Values at pointers (RFC 6901) that differ only in where they stand in
 * arrays, and under keys that cannot be told. */
struct msg_outline {
    struct ts_str pattern; /* "*" for a place in an array, "?" for a key that is
                              not told; "" is the whole */
    enum outline_type type;
    uint32_t count; /* of such values */
    uint32_t min,
        max; /* bytes of strings; 0 of anything else, and of secrets */
    enum outline_source source; /* the worst of them */
    bool secret;
};
struct msg_kept {
    uint64_t seq;
    struct ts_str ref; /* "call-N"; "" when no handle can name it: too large,
                          cut off, or not UTF-8 */
    uint64_t stdout_bytes; /* of it; 0 when it is secret */
    uint64_t stderr_bytes;
    bool more; /* it has more than is told here */
    uint32_t count;
    struct ts_bytes items; /* raw array; walk it with msg_kept_next() */
};

/* [1, seq]: CANCEL, TOOLS and TASK_END as questions, REVOKE as an answer */
struct msg_seq {
    uint64_t seq;
};

/*
 * REVOKE: [1, seq, record bin, chain bin]. record is signed by the holder of an
 * ancestor of what it revokes, and chain, which holds both, is the evidence.
 * The answer is [1, seq]: nothing new starts on it, what ran was signalled.
 */
struct msg_revoke {
    uint64_t seq;           /* any number, as of TOOLS */
    struct ts_bytes record; /* 1..TS_REVOCATION_MAX bytes */
    struct ts_bytes chain;  /* 1..TS_CHAIN_MAX bytes */
};

/* [1, origin bin]: a signed statement (proto/trust/origin.h), not answered. */
struct msg_origin {
    struct ts_bytes origin; /* 1..TS_ORIGIN_MAX bytes */
};

/* [1, seq, [[tool str, args map]...], traceparent str, provenance [str...]] */
struct msg_check_item {
    struct ts_str tool;
    struct ts_bytes args;
};
struct msg_check {
    uint64_t seq;
    uint32_t count;
    struct ts_bytes items; /* raw array; walk it with msg_check_next() */
    /* Set by the decoder, ignored by the sender: of one candidate, all. */
    struct msg_check_item first;
    struct ts_str traceparent;
    struct ts_str provenance[TS_PROVENANCE_MAX];
    uint32_t provenance_count;
};

/* [1, seq, [[verdict, code str, decision_id bin16]...]] */
struct msg_checked {
    uint64_t seq;
    uint32_t count;
    struct ts_bytes items; /* walk it with msg_checked_next() */
};
struct msg_checked_item {
    enum verdict verdict;
    struct ts_str code;
    uint8_t decision_id[16];
};

/* Answer to TOOLS: [1, seq, [[name str, description str, action str,
 *  [[arg str, type str, required bool, description str]...]]...]]; every
 * tool of the sidecar is listed, permitted or not. */
struct msg_tools {
    uint64_t seq;
    uint32_t count;
    struct ts_bytes items;
};

struct msg_tool {
    struct ts_str name;
    struct ts_str description;
    struct ts_str action;
    uint32_t args_count;
    struct ts_bytes args; /* raw array; walk it with msg_tool_arg_next() */
};
struct msg_tool_arg {
    struct ts_str name;
    struct ts_str type;
    bool required;
    struct ts_str description;
};

/* [1, seq, bytes]; 1..TS_STDIN_WINDOW */
struct msg_window {
    uint64_t seq;
    uint32_t bytes; /* additional stdin bytes that may be sent */
};

/* [1, token bin <= 32], echoed unchanged */
struct msg_ping {
    struct ts_bytes token;
};

/*
 * Decoders: strict, exact arity, all limits of limits.h. TS_OK and *ret, or an
 * error and *reterr_what (static text naming the field) and *ret untouched.
 */
TS_NODISCARD ts_err msg_error_decode(const void *b, size_t n,
                                     struct msg_error *ret,
                                     const char **reterr_what);
TS_NODISCARD ts_err msg_call_decode(const void *b, size_t n,
                                    struct msg_call *ret,
                                    const char **reterr_what);
TS_NODISCARD ts_err msg_decision_decode(const void *b, size_t n,
                                        struct msg_decision *ret,
                                        const char **reterr_what);
TS_NODISCARD ts_err msg_stdin_decode(const void *b, size_t n,
                                     struct msg_stdin *ret,
                                     const char **reterr_what);
TS_NODISCARD ts_err msg_output_decode(const void *b, size_t n,
                                      struct msg_output *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err msg_result_decode(const void *b, size_t n,
                                      struct msg_result *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err msg_kept_decode(const void *b, size_t n,
                                    struct msg_kept *ret,
                                    const char **reterr_what);
TS_NODISCARD ts_err msg_seq_decode(const void *b, size_t n, struct msg_seq *ret,
                                   const char **reterr_what);
TS_NODISCARD ts_err msg_revoke_decode(const void *b, size_t n,
                                      struct msg_revoke *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err msg_origin_decode(const void *b, size_t n,
                                      struct msg_origin *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err msg_check_decode(const void *b, size_t n,
                                     struct msg_check *ret,
                                     const char **reterr_what);
TS_NODISCARD ts_err msg_checked_decode(const void *b, size_t n,
                                       struct msg_checked *ret,
                                       const char **reterr_what);
TS_NODISCARD ts_err msg_tools_decode(const void *b, size_t n,
                                     struct msg_tools *ret,
                                     const char **reterr_what);
TS_NODISCARD ts_err msg_window_decode(const void *b, size_t n,
                                      struct msg_window *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err msg_ping_decode(const void *b, size_t n,
                                    struct msg_ping *ret,
                                    const char **reterr_what);

struct mp_reader;
/* Walkers: start with mp_reader_init(r, items.ptr, items.len) and one
 * mp_read_array(); each call reads one item. The bytes were checked already. */
TS_NODISCARD ts_err msg_check_next(struct mp_reader *r,
                                   struct msg_check_item *ret);
TS_NODISCARD ts_err msg_checked_next(struct mp_reader *r,
                                     struct msg_checked_item *ret);
TS_NODISCARD ts_err msg_kept_next(struct mp_reader *r, struct msg_outline *ret);
TS_NODISCARD ts_err msg_tools_next(struct mp_reader *r, struct msg_tool *ret);
TS_NODISCARD ts_err msg_tool_arg_next(struct mp_reader *r,
                                      struct msg_tool_arg *ret);

/*
 * Encoders append one whole frame to out, or leave it as it was: TS_E_INVALID
 * or TS_E_LIMIT for a message that the decoder would refuse, TS_E_LIMIT also
 * when out is full (a few bytes more than the frame are asked for),
 * TS_E_NOMEM.
 */
struct ts_buf;
TS_NODISCARD ts_err msg_error_send(struct ts_buf *out,
                                   const struct msg_error *m);
TS_NODISCARD ts_err msg_call_send(struct ts_buf *out, const struct msg_call *m);
TS_NODISCARD ts_err msg_decision_send(struct ts_buf *out,
                                      const struct msg_decision *m);
TS_NODISCARD ts_err msg_stdin_send(struct ts_buf *out,
                                   const struct msg_stdin *m);
TS_NODISCARD ts_err msg_output_send(struct ts_buf *out,
                                    const struct msg_output *m);
TS_NODISCARD ts_err msg_result_send(struct ts_buf *out,
                                    const struct msg_result *m);
TS_NODISCARD ts_err msg_kept_send(struct ts_buf *out, const struct msg_kept *m);
/* One item of KEPT. */
struct mp_writer;
void msg_outline_write(struct mp_writer *w, const struct msg_outline *s);
TS_NODISCARD ts_err msg_seq_send(struct ts_buf *out, enum client_type type,
                                 const struct msg_seq *m);
TS_NODISCARD ts_err msg_revoke_send(struct ts_buf *out,
                                    const struct msg_revoke *m);
TS_NODISCARD ts_err msg_origin_send(struct ts_buf *out,
                                    const struct msg_origin *m);
TS_NODISCARD ts_err msg_check_send(struct ts_buf *out,
                                   const struct msg_check *m);
TS_NODISCARD ts_err msg_checked_send(struct ts_buf *out,
                                     const struct msg_checked *m);
TS_NODISCARD ts_err msg_tools_send(struct ts_buf *out,
                                   const struct msg_tools *m);
TS_NODISCARD ts_err msg_window_send(struct ts_buf *out,
                                    const struct msg_window *m);
TS_NODISCARD ts_err msg_ping_send(struct ts_buf *out, const struct msg_ping *m);

#endif
