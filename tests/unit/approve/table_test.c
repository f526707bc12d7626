/* The machine of a ticket: every event in every state, one row each. */
#include "tests/lib/ts_test.h"

#include <string.h>

#include "sidecar/gate/approve/tickets.h"
#include "tests/unit/trust/approval_world.h"

static struct approval_world w;
static struct tickets *t;

enum at {
    NONE,
    FRESH,
    HALF,
    GRANTED,
    DENIED,
    GONE,
    AT_COUNT_
};
static const char *const at_names[] = {"none",    "fresh",  "half",
                                       "granted", "denied", "void"};

enum what {
    ASK,
    BOB_YES,
    CAROL_YES,
    BOB_NO,
    CAROL_NO,
    OWN_YES,
    STRANGER_NO,
    BOB_LATE,
    OTHER_TICKET,
    TIME,
    ASK_LATE,
    VOID_TAKEN,
    VOID_DENIED,
    END,
    WHAT_COUNT_
};
static const char *const what_names[] = {
    "ask",      "bob yes",     "carol yes",    "bob no",       "carol no",
    "own yes",  "stranger no", "bob late",     "other ticket", "time",
    "ask late", "void, taken", "void, denied", "end"};

#define UNKNOWN APPROVAL_E_UNKNOWN
#define YES     APPROVAL_OK
#define NO_ONE  0 /* nothing is found, nothing is done */
#define FOUND   1

/* What it comes to, and the state after it. Asking in GONE makes a second one;
 * what is void stays as it is. */
struct row {
    int result;
    enum at to;
};
static const struct row rows[WHAT_COUNT_][AT_COUNT_] = {
    [ASK] = {{TICKET_ASKED_NEW, FRESH},
             {TICKET_ASKED_SAME, FRESH},
             {TICKET_ASKED_SAME, HALF},
             {TICKET_ASKED_GRANTED, GRANTED},
             {TICKET_ASKED_COOLING, DENIED},
             {TICKET_ASKED_NEW, GONE}},
    [BOB_YES] = {{UNKNOWN, NONE},
                 {YES, HALF},
                 {APPROVAL_E_REPEATED, HALF},
                 {APPROVAL_E_REPEATED, GRANTED},
                 {APPROVAL_E_DENIED, DENIED},
                 {UNKNOWN, GONE}},
    [CAROL_YES] = {{UNKNOWN, NONE},
                   {YES, HALF},
                   {YES, GRANTED},
                   {APPROVAL_E_REPEATED, GRANTED},
                   {APPROVAL_E_DENIED, DENIED},
                   {UNKNOWN, GONE}},
    [BOB_NO] = {{UNKNOWN, NONE},
                {YES, DENIED},
                {YES, DENIED},
                {YES, DENIED},
                {APPROVAL_E_DENIED, DENIED},
                {UNKNOWN, GONE}},
    [CAROL_NO] = {{UNKNOWN, NONE},
                  {YES, DENIED},
                  {YES, DENIED},
                  {YES, DENIED},
                  {APPROVAL_E_DENIED, DENIED},
                  {UNKNOWN, GONE}},
    [OWN_YES] = {{UNKNOWN, NONE},
                 {APPROVAL_E_OWN, FRESH},
                 {APPROVAL_E_OWN, HALF},
                 {APPROVAL_E_OWN, GRANTED},
                 {APPROVAL_E_DENIED, DENIED},
                 {UNKNOWN, GONE}},
    [STRANGER_NO] = {{UNKNOWN, NONE},
                     {APPROVAL_E_KEY, FRESH},
                     {APPROVAL_E_KEY, HALF},
                     {APPROVAL_E_KEY, GRANTED},
                     {APPROVAL_E_KEY, DENIED},
                     {UNKNOWN, GONE}},
    [BOB_LATE] = {{UNKNOWN, NONE},
                  {APPROVAL_E_LATE, FRESH},
                  {APPROVAL_E_LATE, HALF},
                  {APPROVAL_E_LATE, GRANTED},
                  {APPROVAL_E_LATE, DENIED},
                  {UNKNOWN, GONE}},
    [OTHER_TICKET] = {{UNKNOWN, NONE},
                      {APPROVAL_E_TICKET, FRESH},
                      {APPROVAL_E_TICKET, HALF},
                      {APPROVAL_E_TICKET, GRANTED},
                      {APPROVAL_E_TICKET, DENIED},
                      {UNKNOWN, GONE}},
    [TIME] = {{NO_ONE, NONE},
              {FOUND, FRESH},
              {FOUND, HALF},
              {FOUND, GRANTED},
              {FOUND, DENIED},
              {NO_ONE, GONE}},
    /* What is over is found by nobody who asks, granted or not. */
    [ASK_LATE] = {{TICKET_ASKED_NEW, FRESH},
                  {TICKET_ASKED_NEW, FRESH},
                  {TICKET_ASKED_NEW, HALF},
                  {TICKET_ASKED_NEW, GRANTED},
                  {TICKET_ASKED_NEW, DENIED},
                  {TICKET_ASKED_NEW, GONE}},
    [VOID_TAKEN] = {{NO_ONE, NONE},
                    {TICKET_END_TAKEN, GONE},
                    {TICKET_END_TAKEN, GONE},
                    {TICKET_END_TAKEN, GONE},
                    {TICKET_END_TAKEN, GONE},
                    {TICKET_END_EXPIRED, GONE}},
    [VOID_DENIED] = {{NO_ONE, NONE},
                     {TICKET_END_DENIED, GONE},
                     {TICKET_END_DENIED, GONE},
                     {TICKET_END_DENIED, GONE},
                     {TICKET_END_DENIED, GONE},
                     {TICKET_END_EXPIRED, GONE}},
    [END] = {{NO_ONE, NONE},
             {FOUND, NONE},
             {FOUND, NONE},
             {FOUND, NONE},
             {FOUND, NONE},
             {FOUND, NONE}},
};

static enum ticket_asked ask(uint64_t now, struct pending **ret)
{
    static const uint8_t chain[TRUST_HASH_LEN] = {0xcc};
    enum ticket_asked asked = TICKET_ASKED_COUNT_;
    struct ticket_key key;
    struct ts_bytes body;

    *ret = NULL;
    approval_world_ticket(&w);
    body = (struct ts_bytes){ts_buf_bytes(&w.ticket_body), w.ticket_body.len};
    ticket_key_of(&w.ticket, chain, &key);
    assert_int_equal(tickets_ask(t, &key, body, now, &asked, ret), TS_OK);
    return asked;
}

static int says(enum approver_key k, enum approval_verdict v, uint64_t now,
                bool other)
{
    struct approval a = approval_world_says(&w, k);
    struct pending *p;

    a.verdict = v;
    a.iat = now - 1;
    a.exp = now + 60;
    a.ticket_id[0] ^= other ? 1 : 0;
    return (int)tickets_answer(t, &w.people, approval_world_sign(&w, &a, k),
                               now, &p, NULL);
}

static int yes(enum approver_key k)
{
    return says(k, APPROVAL_YES, AP_NOW, false);
}

static struct pending *bring_to(enum at s)
{
    struct pending *p = NULL;

    approval_world_ticket(&w);
    if (s == NONE)
        return NULL;
    assert_int_equal(ask(AP_NOW, &p), TICKET_ASKED_NEW);
    if (s == HALF || s == GRANTED)
        assert_int_equal(yes(AP_BOB), YES);
    if (s == GRANTED)
        assert_int_equal(yes(AP_CAROL), YES);
    if (s == DENIED)
        assert_int_equal(says(AP_BOB, APPROVAL_NO, AP_NOW, false), YES);
    if (s == GONE)
        tickets_void(t, p, TICKET_END_EXPIRED, AP_NOW);
    return p;
}

/* A second question lies beside p where asking made one. */
static int ask_again(struct pending *p, uint64_t now)
{
    struct pending *q;
    enum ticket_asked asked;

    w.ticket.decision_id[1]++; /* another decision on the same call */
    if (now >= AP_EXPIRES) {
        w.ticket.created = now;
        w.ticket.expires = now + 600;
    }
    asked = ask(now, &q);
    if (asked == TICKET_ASKED_COOLING)
        assert_null(q);
    else if (asked == TICKET_ASKED_NEW)
        assert_true(q != NULL && q != p);
    else
        assert_ptr_equal(q, p);
    if (asked == TICKET_ASKED_NEW && p != NULL)
        tickets_end(t, q, TICKET_END_WITHDRAWN, now);
    return (int)asked;
}

static int void_it(struct pending *p, enum ticket_end why)
{
    if (p == NULL)
        return NO_ONE;
    tickets_void(t, p, why, AP_NOW);
    return (int)pending_end(p);
}

static int happen(enum what e, struct pending *p)
{
    switch (e) {
    case ASK:
        return ask_again(p, AP_NOW);
    case BOB_YES:
        return yes(AP_BOB);
    case CAROL_YES:
        return yes(AP_CAROL);
    case BOB_NO:
        return says(AP_BOB, APPROVAL_NO, AP_NOW, false);
    case CAROL_NO:
        return says(AP_CAROL, APPROVAL_NO, AP_NOW, false);
    case OWN_YES:
        return yes(AP_ALICE);
    case STRANGER_NO:
        return says(AP_NOBODY, APPROVAL_NO, AP_NOW, false);
    case BOB_LATE:
        return says(AP_BOB, APPROVAL_YES, AP_EXPIRES, false);
    case OTHER_TICKET:
        return says(AP_CAROL, APPROVAL_YES, AP_NOW, true);
    case TIME:
        assert_null(tickets_expired(t, AP_EXPIRES - 1));
        return tickets_expired(t, AP_EXPIRES) != NULL ? FOUND : NO_ONE;
    case ASK_LATE:
        return ask_again(p, AP_EXPIRES);
    case VOID_TAKEN:
        return void_it(p, TICKET_END_TAKEN);
    case VOID_DENIED:
        return void_it(p, TICKET_END_DENIED);
    case END:
        if (p != NULL)
            tickets_end(t, p, TICKET_END_WITHDRAWN, AP_NOW);
        return p != NULL ? FOUND : NO_ONE;
    case WHAT_COUNT_:
        break;
    }
    return -1;
}

static enum at state_of(const struct pending *p)
{
    if (p == NULL)
        return NONE;
    switch (pending_state(p)) {
    case TICKET_WAITING:
        return pending_tally(p)->people_count == 0 ? FRESH : HALF;
    case TICKET_GRANTED:
        return GRANTED;
    case TICKET_DENIED:
        return DENIED;
    case TICKET_VOID:
        break;
    }
    return GONE;
}

static void every_event_in_every_state(void **state)
{
    (void)state;
    for (int e = 0; e < WHAT_COUNT_; e++) {
        for (int s = 0; s < AT_COUNT_; s++) {
            const struct row *r = &rows[e][s];
            struct pending *p;
            int got;

            approval_world_init(&w);
            assert_int_equal(tickets_new(NULL, &t), TS_OK);
            p = bring_to((enum at)s);
            got = happen((enum what)e, p);
            if (e == END || s == NONE)
                p = tickets_after(t, NULL);
            if (got != r->result || state_of(p) != r->to)
                fail_msg("%s in %s: %d, %s; not %d, %s", what_names[e],
                         at_names[s], got, at_names[state_of(p)], r->result,
                         at_names[r->to]);
            assert_int_equal(tickets_count(t), r->to != NONE);
            assert_int_equal(tickets_granted(t), r->to == GRANTED);
            tickets_free(t);
            approval_world_done(&w);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_event_in_every_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
