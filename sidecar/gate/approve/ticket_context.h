#ifndef SIDECAR_GATE_APPROVE_TICKET_CONTEXT_H
#define SIDECAR_GATE_APPROVE_TICKET_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_buf.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/trust/approval_ticket.h"

/*
 * What a ticket says to people beside the call itself (struct ticket.context):
 * a strict msgpack map, signed with the ticket, at most TICKET_CONTEXT_MAX
 * bytes. Nothing is decided from it. A key that does not apply is absent; an
 * empty context is the map without keys, or no bytes at all. Keys in this
 * order:
 *
 *     "args"        [[arg str, value str, source str, [place str ..],
 *                     places_left uint, new bool] x 1..64]
 *     "args_left"   uint >= 1; values that found no room
 *     "asked"       [uint, uint]; new questions of this grant in the last
 *                   minute and hour, this one among them
 *     "calls"       [uint, uint]; calls of this task in the last minute and
 *                   hour, before this one
 *     "declared"    [label str ..]; what the agent says of its inputs
 *     "declared_left" uint >= 1
 *     "endorses"    [[arg str, value str] x 1..16]; what a yes lets through for
 *                   the rest of the task, see below
 *     "first"       [str ..]; what this grant does for the first time:
 *                   "tool", "action", "resource", in this order
 *     "level"       uint 0..3; highest confidentiality that flows in: public,
 *                   internal, private, secret
 *     "lost"        true; what the task has done and read before is not known:
 *                   it is older than the sidecar's memory of it
 *     "origin"      str; what began the task: "user", "schedule", "webhook",
 *                   "agent", or "unknown"
 *     "reasons"     [[rule uint, text str] ..]; @reason of the policy of a rule
 *     "secrets"     true; a secret value of a tool's output is in the arguments
 *     "sensitivity" str; of the resource
 *     "stdin"       true; the agent sends standard input while it runs, which
 *                   is no part of the ticket
 *     "tainted"     true; the task has read what strangers can write
 *
 * "args" are the authority values of the call, who and what it is about, and
 * content that stands somewhere as a whole. arg names one as a JSON pointer
 * into the arguments ("/to/0"), value is empty, or the link, address or account
 * that was found inside the text there. place is where a tool's output had it
 * ("mail.read:", and a pointer with "*" for indices), or "prompt", or "user"
 * for who the user is. new: no call of this grant that ran had that value in
 * that argument of the tool. Untrusted values come first, then unknown,
 * trusted, prompt: what finds no room is what worries least.
 *
 * "endorses" is there when every rule of the ticket has @endorse: values of
 * authority, whole, that strangers wrote or nobody. A yes to a call that is
 * then started lets them through as this argument of this tool. arg is its
 * name, of JSON with the pointer behind it ("to", "extra/to"). Neither is ever
 * cut: what has no room here is not let through, so that the shown is all.
 */
#define TICKET_CONTEXT_ARGS_MAX     64
#define TICKET_CONTEXT_PLACES_MAX   4
#define TICKET_CONTEXT_LABELS_MAX   16
#define TICKET_CONTEXT_WORD_MAX     64u /* bytes: origin, sensitivity, a label */
#define TICKET_CONTEXT_ARG_MAX      96u
#define TICKET_CONTEXT_VALUE_MAX    160u
#define TICKET_CONTEXT_PLACE_MAX    160u
#define TICKET_CONTEXT_REASON_MAX   512u
#define TICKET_CONTEXT_ENDORSES_MAX 16

enum ticket_source {
    TICKET_SOURCE_PROMPT = 1, /* in the user's own words */
    TICKET_SOURCE_TRUSTED,    /* where only trusted people write */
    TICKET_SOURCE_UNTRUSTED,  /* where strangers write */
    TICKET_SOURCE_UNKNOWN,    /* nowhere: the model made it */
    TICKET_SOURCE_COUNT_
};
const char *ticket_source_name(enum ticket_source s);

struct ticket_context_arg {
    struct ts_str arg, value;
    enum ticket_source source;
    bool is_new;
    struct ts_str places[TICKET_CONTEXT_PLACES_MAX];
    uint32_t place_count, places_left;
};

struct ticket_endorses {
    struct ts_str arg, value; /* never empty */
};

struct ticket_context { /* borrows; zeroed says nothing */
    struct ticket_context_arg args[TICKET_CONTEXT_ARGS_MAX];
    uint32_t arg_count, args_left;
    uint32_t asked_minute, asked_hour; /* both 0: not said */
    uint32_t calls_minute, calls_hour; /* if has_calls */
    struct ts_str declared[TICKET_CONTEXT_LABELS_MAX];
    uint32_t declared_count, declared_left;
    struct ticket_endorses endorses[TICKET_CONTEXT_ENDORSES_MAX];
    uint32_t endorses_count;
    bool has_calls, has_level;
    uint8_t level; /* if has_level */
    bool first_tool, first_action, first_resource;
    bool lost, secrets, has_stdin, tainted;
    struct ts_str origin;                    /* "": not said */
    struct ts_str reasons[TICKET_RULES_MAX]; /* by rule; "": it has none */
    struct ts_str sensitivity;               /* "": none */
};

/*
 * Appends at most TICKET_CONTEXT_MAX bytes. Longer texts are cut, at a
 * character, to end in "..."; then places, what it endorses, and after them
 * values, give way. TS_E_INVALID: a text is not UTF-8, or a count beyond its
 * array; of what it endorses one that is empty or would have to be cut.
 */
TS_NODISCARD ts_err ticket_context_encode(const struct ticket_context *c,
                                          struct ts_buf *out);
/* Strict. No bytes at all are fine. rules is the ticket's rule_count. */
TS_NODISCARD ts_err ticket_context_decode(struct ts_bytes in, uint32_t rules,
                                          struct ticket_context *ret);

#endif
