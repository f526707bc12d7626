#include "cli/replay/people.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#include "cli/admin_socket.h"
#include "cli/cmd.h"
#include "proto/trust/approval.h"

#define ANSWER_S    30
#define MESSAGE_MAX ((size_t)65536)

struct asking {
    struct replay_gate *gate;
    struct admin_socket admin;
    uint8_t decision[16];
    uint8_t ticket[TRUST_HASH_LEN]; /* its id */
    bool has_ticket;
};

/* The gate is served while it is waited for. */
static bool receive(struct asking *a, struct frame *ret)
{
    time_t end = time(NULL) + ANSWER_S;

    for (;;) {
        enum admin_wait w = admin_receive(&a->admin, 1, ret);

        if (w == ADMIN_GOT)
            return true;
        if (w == ADMIN_BROKEN)
            return false;
        if (time(NULL) > end) {
            cli_error("the gate does not answer");
            return false;
        }
        if (!replay_gate_turn(a->gate, a->admin.fd, POLLIN, 1000))
            return false;
    }
}

static bool malformed(const char *what)
{
    cli_error("tipstaff-gate: a malformed answer: %s", what);
    return false;
}

static bool on_ticket(struct asking *a, const struct frame *f)
{
    struct admin_ticket t;
    struct signed_object o;
    struct ticket body;
    const char *what = "";

    if (admin_ticket_decode(f->body, f->len, &t, &what) != TS_OK)
        return malformed(what);
    if (signed_split(SIGNED_TICKET, t.object, &o) != TRUST_OK ||
        ticket_decode(o.body, &body) != TRUST_OK)
        return malformed("ticket");
    if (memcmp(body.decision_id, a->decision, sizeof(a->decision)) != 0)
        return true;
    ticket_id(o.body, a->ticket);
    a->has_ticket = true;
    return true;
}

static bool find(struct asking *a)
{
    const struct admin_approvals m = {.tenant = ts_str_of(REPLAY_TENANT)};
    struct ts_buf out;
    struct frame f;
    bool ok;

    ts_buf_init(&out, MESSAGE_MAX);
    ok = admin_approvals_send(&out, &m) == TS_OK && admin_send(&a->admin, &out);
    ts_buf_done(&out);
    while (ok && receive(a, &f)) {
        if (f.type == ADMIN_TICKETS_END)
            return true;
        ok = f.type == ADMIN_TICKET && on_ticket(a, &f);
    }
    return false;
}

static bool answer(struct asking *a, const char *person,
                   const struct trust_secret *key, bool *ret_granted)
{
    uint64_t now = (uint64_t)time(NULL);
    struct approval yes = {.tenant = ts_str_of(REPLAY_TENANT),
                           .person = ts_str_of(person),
                           .verdict = APPROVAL_YES,
                           .iat = now,
                           .exp = now + 600};
    struct admin_answered said;
    struct ts_buf body, object, out;
    const char *what = "";
    struct frame f;
    bool ok;

    memcpy(yes.ticket_id, a->ticket, sizeof(yes.ticket_id));
    memcpy(yes.decision_id, a->decision, sizeof(yes.decision_id));
    ts_buf_init(&body, MESSAGE_MAX);
    ts_buf_init(&object, MESSAGE_MAX);
    ts_buf_init(&out, MESSAGE_MAX);
    ok = approval_body(&yes, &body) == TS_OK &&
         approval_sign((struct ts_bytes){ts_buf_bytes(&body), body.len}, key,
                       &object) == TS_OK &&
         admin_answer_send(&out, &(struct admin_answer){{ts_buf_bytes(&object),
                                                         object.len}}) ==
             TS_OK &&
         admin_send(&a->admin, &out) && receive(a, &f);
    ts_buf_done(&body);
    ts_buf_done(&object);
    ts_buf_done(&out);
    if (!ok || f.type != ADMIN_ANSWERED ||
        admin_answered_decode(f.body, f.len, &said, &what) != TS_OK)
        return ok ? malformed(what) : false;
    *ret_granted = ts_str_eq_c(said.state, "granted");
    return true;
}

bool replay_say_yes(struct replay_gate *g, const struct replay_keys *k,
                    const uint8_t decision[16], bool *ret_granted)
{
    struct asking a = {.gate = g, .admin.fd = -1};
    char path[REPLAY_PATH_CAP];
    bool ok;

    *ret_granted = false;
    memcpy(a.decision, decision, sizeof(a.decision));
    replay_gate_path(g, "admin.sock", path);
    if (!admin_open(&a.admin, path))
        return false;
    ok = find(&a);
    if (ok && a.has_ticket)
        ok = answer(&a, REPLAY_USER, &k->approver[0], ret_granted);
    if (ok && a.has_ticket && !*ret_granted)
        ok = answer(&a, REPLAY_SECOND, &k->approver[1], ret_granted);
    admin_close(&a.admin);
    return ok;
}
