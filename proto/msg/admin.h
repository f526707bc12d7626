#ifndef PROTO_MSG_ADMIN_H
#define PROTO_MSG_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/order.h"

/*
 * Messages of operators: frames as on the agent socket, each body one msgpack
 * array. Two sockets in the admin directory: admin.sock is served by the gate
 * (REVOKE, FEED, STATUS, APPROVALS, ANSWER), log.sock by the recorder (TAIL,
 * LIST). The peer's uid must be in the configured list, and what changes
 * anything is signed besides.
 */
enum admin_type {
    ADMIN_REVOKE = 1,   /* operator to gate */
    ADMIN_ACK = 2,      /* gate: nothing new starts, everything is signalled */
    ADMIN_COMPLETE = 3, /* gate: every signalled tool was reaped */
    ADMIN_STATUS = 4,   /* question [1], answer [1, json str] */
    ADMIN_FAIL = 5,     /* [1, code str, text str]; the connection closes */
    ADMIN_TAIL = 6,     /* operator to recorder */
    ADMIN_LINE = 7,     /* recorder: [1, line str], one record, no newline */
    ADMIN_TAIL_END = 8, /* recorder: [1]; only without follow */
    ADMIN_FEED = 9,     /* operator to gate: a signed state of a directory */
    ADMIN_LIST = 10,    /* operator to recorder: what is revoked */
    ADMIN_ENTRY = 11,   /* recorder: one entry of the journal; TAIL_END ends */
    ADMIN_APPROVALS = 12,   /* operator to gate: which calls wait for people */
    ADMIN_TICKET = 13,      /* gate: one of them */
    ADMIN_TICKET_NEWS = 14, /* gate: what became of it; only with watch */
    ADMIN_TICKETS_END = 15, /* gate: [1], all that waited at that moment */
    ADMIN_ANSWER = 16,      /* operator to gate: a person's signed answer */
    ADMIN_ANSWERED = 17,    /* gate: whether it counts */
    ADMIN_HOOK = 18,        /* the hook's process to gate: how it fares */
    ADMIN_ESCALATE = 19,    /* operator to gate: a signed escalation */
    ADMIN_ESCALATED = 20,   /* gate: whether it is in force */
    ADMIN_ESCALATIONS = 21, /* operator to gate: which ones there are */
    ADMIN_ESCALATION = 22,  /* gate: one of them */
    ADMIN_ESCALATIONS_END = 23 /* gate: [1], these were all */
};

/*
 * A signed record (proto/trust/revocation_record.h), whose signature is what
 * counts: [1, record bin]
 */
struct admin_revoke {
    struct ts_bytes record; /* 1..TS_REVOCATION_MAX bytes */
};

/* [1, what, object bin]: answered by ACK and COMPLETE like a revocation. */
enum feed_what {
    FEED_SNAPSHOT = 1, /* proto/trust/directory_snapshot.h */
    FEED_HEARTBEAT = 2 /* proto/trust/heartbeat.h */
};
struct admin_feed {
    enum feed_what what;
    struct ts_bytes object; /* 1..TS_SNAPSHOT_MAX bytes */
};

struct admin_ack { /* [1, rev_seq, tools, sessions, tickets] */
    uint64_t rev_seq;
    uint64_t tools_signalled;
    uint64_t sessions_closed;
    uint64_t tickets_voided; /* decisions that waited for approval */
};
struct admin_complete { /* [1, rev_seq] */
    uint64_t rev_seq;
};
struct admin_text { /* STATUS answer, LINE: [1, text str], no newline in it */
    struct ts_str text;
};
struct admin_fail { /* [1, code str, text str] */
    struct ts_str code;
    struct ts_str text;
};
/* [1, follow bool, from_seq, last uint, tenant str, agent str, effect str,
 *  since_unix_ms] */
struct admin_tail {
    bool follow;
    uint64_t from_seq;    /* 0 = not limited */
    uint64_t last;        /* 0 = all; otherwise at most the last N before now */
    struct ts_str tenant; /* "" = every tenant */
    struct ts_str agent;  /* matches the agent or a sub-agent of it; "" = all */
    struct ts_str effect; /* "permit", "forbid", "pending" or "" */
    uint64_t since_unix_ms;
};

/* [1, tenant str]: the revocations that count, oldest first. */
struct admin_list {
    struct ts_str tenant; /* "" = every tenant */
};
/* [1, type, tenant str, keep_until, payload bin]: as the journal holds it; the
 * payload of a revocation is sidecar/common/revocation_entry.h's. */
struct admin_entry {
    enum journal_type type;
    struct ts_str tenant;
    uint64_t keep_until; /* unix seconds; UINT64_MAX for ever */
    struct ts_bytes payload;
};

/*
 * Calls that wait for people (docs/APPROVALS.md). Whoever may connect sees the
 * questions of the tenants that he may act for; what counts is who signed an
 * answer, not who carries it.
 *
 * [1, watch bool, tenant str]: every TICKET, oldest first, then TICKETS_END.
 * With watch the connection stays, and every new TICKET and all NEWS follow.
 */
struct admin_approvals {
    bool watch;
    struct ts_str tenant; /* "" = every tenant */
};
enum ticket_stage {
    TICKET_STAGE_WAITING = 1,
    TICKET_STAGE_GRANTED = 2 /* people said yes; the call has not come back */
};
struct admin_person {
    struct ts_str person;
    uint32_t rules; /* bit i: counts for rule i of the ticket */
};
/* [1, object bin, stage, [[person str, rules] ..]]: who has said yes so far */
struct admin_ticket {
    struct ts_bytes object; /* signed: proto/trust/approval_ticket.h */
    enum ticket_stage stage;
    struct admin_person people[TS_PEOPLE_MAX];
    uint32_t people_count;
};
/* [1, decision_id bin16, tenant str, what code, people]: what is "answered" (a
 * yes more) or "granted", or why it has ended: "taken" (its call was launched),
 * "denied", "expired", "withdrawn", "revoked", "policies_changed". */
struct admin_ticket_news {
    uint8_t decision_id[16];
    struct ts_str tenant;
    struct ts_str what;
    uint32_t people; /* who have said yes, at most TS_PEOPLE_MAX */
};
/* [1, answer bin]: either form of proto/trust/approval.h */
struct admin_answer {
    struct ts_bytes answer; /* 1..TS_APPROVAL_MAX bytes */
};
/*
 * [1, code, text, state code, decision_id bin16]: "ok" and the sentence that it
 * counts, or the name of an approval_code in small letters and why not. state
 * is "waiting", "granted", "denied", or "none" where no such call waits.
 */
struct admin_answered {
    struct ts_str code, text, state;
    uint8_t decision_id[16]; /* zeros where the answer could not be read */
};

/*
 * [1, ran, failed, left_out, code, text]: commands of the on_pending hook since
 * its process began (docs/APPROVALS.md), and what failed last; code "ok" as
 * long as nothing has. Only on the connection that the supervisor made for it,
 * which is shown every question and may say nothing else.
 */
struct admin_hook {
    uint64_t ran, failed; /* failed <= ran */
    uint64_t left_out;    /* questions that it was not started for */
    struct ts_str code;   /* "exit", "signal", "timeout", .. */
    struct ts_str text;
};

/*
 * Break-glass (docs/APPROVALS.md). What counts is who signed an escalation, not
 * who carries it; it is ended early by a revocation of kind escalation.
 *
 * [1, object bin]: proto/trust/escalation.h
 */
struct admin_escalate {
    struct ts_bytes object; /* 1..TS_ESCALATION_MAX bytes */
};
/* [1, code, text, id bin16]: "ok", or why it is not in force; id is zeros where
 * the object could not be read. */
struct admin_escalated {
    struct ts_str code, text;
    uint8_t id[16];
};
struct admin_escalations { /* [1, tenant str] */
    struct ts_str tenant;  /* "" = every tenant */
};
/* [1, id bin16, tenant, user, agent, task, state code, expires, used, max_uses,
 *  [person ..], reason, incident]: state is "active", "used_up" (the last tool
 * still runs) or "interrupted" (by a restart: it may be activated again). */
struct admin_escalation {
    uint8_t id[16];
    struct ts_str tenant, user, agent, task, state;
    uint64_t expires; /* unix seconds */
    uint32_t used, max_uses;
    struct ts_str people[TS_PEOPLE_MAX];
    uint32_t people_count;
    struct ts_str reason, incident;
};

/* Decoders and senders as in client.h: strict, *ret only on success, and
 * nothing is sent that the decoder would refuse. Whether a tenant or id obeys
 * the id syntax of delegations is for the gate to check. */
TS_NODISCARD ts_err admin_revoke_decode(const void *b, size_t n,
                                        struct admin_revoke *ret,
                                        const char **reterr_what);
TS_NODISCARD ts_err admin_feed_decode(const void *b, size_t n,
                                      struct admin_feed *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err admin_ack_decode(const void *b, size_t n,
                                     struct admin_ack *ret,
                                     const char **reterr_what);
TS_NODISCARD ts_err admin_complete_decode(const void *b, size_t n,
                                          struct admin_complete *ret,
                                          const char **reterr_what);
TS_NODISCARD ts_err admin_text_decode(const void *b, size_t n,
                                      struct admin_text *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err admin_fail_decode(const void *b, size_t n,
                                      struct admin_fail *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err admin_tail_decode(const void *b, size_t n,
                                      struct admin_tail *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err admin_list_decode(const void *b, size_t n,
                                      struct admin_list *ret,
                                      const char **reterr_what);
TS_NODISCARD ts_err admin_entry_decode(const void *b, size_t n,
                                       struct admin_entry *ret,
                                       const char **reterr_what);
TS_NODISCARD ts_err admin_approvals_decode(const void *b, size_t n,
                                           struct admin_approvals *ret,
                                           const char **reterr_what);
TS_NODISCARD ts_err admin_ticket_decode(const void *b, size_t n,
                                        struct admin_ticket *ret,
                                        const char **reterr_what);
TS_NODISCARD ts_err admin_ticket_news_decode(const void *b, size_t n,
                                             struct admin_ticket_news *ret,
                                             const char **reterr_what);
TS_NODISCARD ts_err admin_answer_decode(const void *b, size_t n,
                                        struct admin_answer *ret,
                                        const char **reterr_what);
TS_NODISCARD ts_err admin_answered_decode(const void *b, size_t n,
                                          struct admin_answered *ret,
                                          const char **reterr_what);
TS_NODISCARD ts_err admin_hook_decode(const void *b, size_t n,
                                      struct admin_hook *ret,
                                      const char **reterr_what);
struct ts_buf;
TS_NODISCARD ts_err admin_hook_send(struct ts_buf *out,
                                    const struct admin_hook *m);
TS_NODISCARD ts_err admin_escalate_decode(const void *b, size_t n,
                                          struct admin_escalate *ret,
                                          const char **reterr_what);
TS_NODISCARD ts_err admin_escalated_decode(const void *b, size_t n,
                                           struct admin_escalated *ret,
                                           const char **reterr_what);
TS_NODISCARD ts_err admin_escalations_decode(const void *b, size_t n,
                                             struct admin_escalations *ret,
                                             const char **reterr_what);
TS_NODISCARD ts_err admin_escalation_decode(const void *b, size_t n,
                                            struct admin_escalation *ret,
                                            const char **reterr_what);
struct ts_buf;
TS_NODISCARD ts_err admin_escalate_send(struct ts_buf *out,
                                        const struct admin_escalate *m);
TS_NODISCARD ts_err admin_escalated_send(struct ts_buf *out,
                                         const struct admin_escalated *m);
TS_NODISCARD ts_err admin_escalations_send(struct ts_buf *out,
                                           const struct admin_escalations *m);
TS_NODISCARD ts_err admin_escalation_send(struct ts_buf *out,
                                          const struct admin_escalation *m);
TS_NODISCARD ts_err admin_approvals_send(struct ts_buf *out,
                                         const struct admin_approvals *m);
TS_NODISCARD ts_err admin_ticket_send(struct ts_buf *out,
                                      const struct admin_ticket *m);
TS_NODISCARD ts_err admin_ticket_news_send(struct ts_buf *out,
                                           const struct admin_ticket_news *m);
TS_NODISCARD ts_err admin_answer_send(struct ts_buf *out,
                                      const struct admin_answer *m);
TS_NODISCARD ts_err admin_answered_send(struct ts_buf *out,
                                        const struct admin_answered *m);
TS_NODISCARD ts_err admin_list_send(struct ts_buf *out,
                                    const struct admin_list *m);
TS_NODISCARD ts_err admin_entry_send(struct ts_buf *out,
                                     const struct admin_entry *m);
TS_NODISCARD ts_err admin_revoke_send(struct ts_buf *out,
                                      const struct admin_revoke *m);
TS_NODISCARD ts_err admin_feed_send(struct ts_buf *out,
                                    const struct admin_feed *m);
TS_NODISCARD ts_err admin_ack_send(struct ts_buf *out,
                                   const struct admin_ack *m);
TS_NODISCARD ts_err admin_complete_send(struct ts_buf *out,
                                        const struct admin_complete *m);
TS_NODISCARD ts_err admin_text_send(struct ts_buf *out, enum admin_type type,
                                    const struct admin_text *m);
TS_NODISCARD ts_err admin_fail_send(struct ts_buf *out,
                                    const struct admin_fail *m);
TS_NODISCARD ts_err admin_tail_send(struct ts_buf *out,
                                    const struct admin_tail *m);
/* STATUS question, TAIL_END and TICKETS_END: a frame with body [1]. */
TS_NODISCARD ts_err admin_empty_decode(const void *b, size_t n,
                                       const char **reterr_what);
TS_NODISCARD ts_err admin_empty_send(struct ts_buf *out, enum admin_type type);

/* Bytes of body that an operator's message of this type may have; 0 for one
 * that is none. */
size_t admin_body_max(uint8_t type);

#endif
