#include "tests/unit/msg/msg_recode.h"

#include "proto/msg/admin.h"
#include "proto/msg/client.h"

/* One body in, the frame of what was understood out. The macro only spares
 * eighteen copies of the same five lines. */
#define RECODE(name)                                                           \
    static ts_err recode_##name(const uint8_t *b, size_t n,                    \
                                struct ts_buf *out, const char **what)         \
    {                                                                          \
        struct name m;                                                         \
        ts_err e = name##_decode(b, n, &m, what);                              \
                                                                               \
        return e != TS_OK ? e : name##_send(out, &m);                          \
    }
#define RECODE_TYPED(name, type)                                               \
    static ts_err recode_##name(const uint8_t *b, size_t n,                    \
                                struct ts_buf *out, const char **what)         \
    {                                                                          \
        struct name m;                                                         \
        ts_err e = name##_decode(b, n, &m, what);                              \
                                                                               \
        return e != TS_OK ? e : name##_send(out, type, &m);                    \
    }
/* clang-format off */
RECODE(msg_error)
RECODE(msg_call)
RECODE(msg_decision)
RECODE(msg_stdin)
RECODE(msg_output)
RECODE(msg_result)
RECODE_TYPED(msg_seq, MSG_CANCEL)
RECODE(msg_check)
RECODE(msg_checked)
RECODE(msg_tools)
RECODE(msg_window)
RECODE(msg_ping)
RECODE(msg_revoke)
RECODE(msg_origin)
RECODE(msg_kept)
RECODE(admin_revoke)
RECODE(admin_feed)
RECODE(admin_ack)
RECODE(admin_complete)
RECODE_TYPED(admin_text, ADMIN_LINE)
RECODE(admin_fail)
RECODE(admin_tail)
RECODE(admin_list)
RECODE(admin_entry)
RECODE(admin_approvals)
RECODE(admin_ticket)
RECODE(admin_ticket_news)
RECODE(admin_answer)
RECODE(admin_answered)
RECODE(admin_hook)
RECODE(admin_escalate)
RECODE(admin_escalated)
RECODE(admin_escalations)
RECODE(admin_escalation)
/* clang-format on */

static ts_err recode_empty(const uint8_t *b, size_t n, struct ts_buf *out,
                           const char **what)
{
    ts_err e = admin_empty_decode(b, n, what);

    return e != TS_OK ? e : admin_empty_send(out, ADMIN_STATUS);
}

ts_err msg_recode(enum msg_kind kind, const uint8_t *body, size_t len,
                  struct ts_buf *out, const char **reterr_what)
{
    typedef ts_err recode_fn(const uint8_t *, size_t, struct ts_buf *,
                             const char **);
    static recode_fn *const fns[KIND_COUNT] = {
        [KIND_ERROR] = recode_msg_error,
        [KIND_CALL] = recode_msg_call,
        [KIND_DECISION] = recode_msg_decision,
        [KIND_STDIN] = recode_msg_stdin,
        [KIND_OUTPUT] = recode_msg_output,
        [KIND_RESULT] = recode_msg_result,
        [KIND_SEQ] = recode_msg_seq,
        [KIND_CHECK] = recode_msg_check,
        [KIND_CHECKED] = recode_msg_checked,
        [KIND_TOOLS] = recode_msg_tools,
        [KIND_WINDOW] = recode_msg_window,
        [KIND_PING] = recode_msg_ping,
        [KIND_REVOKE] = recode_admin_revoke,
        [KIND_ACK] = recode_admin_ack,
        [KIND_COMPLETE] = recode_admin_complete,
        [KIND_TEXT] = recode_admin_text,
        [KIND_FAIL] = recode_admin_fail,
        [KIND_TAIL] = recode_admin_tail,
        [KIND_EMPTY] = recode_empty,
        [KIND_FEED] = recode_admin_feed,
        [KIND_MSG_REVOKE] = recode_msg_revoke,
        [KIND_ORIGIN] = recode_msg_origin,
        [KIND_LIST] = recode_admin_list,
        [KIND_ENTRY] = recode_admin_entry,
        [KIND_APPROVALS] = recode_admin_approvals,
        [KIND_TICKET] = recode_admin_ticket,
        [KIND_TICKET_NEWS] = recode_admin_ticket_news,
        [KIND_ANSWER] = recode_admin_answer,
        [KIND_ANSWERED] = recode_admin_answered,
        [KIND_HOOK] = recode_admin_hook,
        [KIND_ESCALATE] = recode_admin_escalate,
        [KIND_ESCALATED] = recode_admin_escalated,
        [KIND_ESCALATIONS] = recode_admin_escalations,
        [KIND_ESCALATION] = recode_admin_escalation,
        [KIND_KEPT] = recode_msg_kept,
    };

    return fns[kind](body, len, out, reterr_what);
}
