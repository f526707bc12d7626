#include "cli/replay/session.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/replay/people.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_require.h"
#include "proto/trust/delegation_build.h"
#include "proto/trust/origin.h"

#define ANSWER_MS   30000
#define CHECKS_ROOM ((size_t)1 << 20) /* bytes of their arguments */

static bool replace(const struct replay_gate *g, const char *name,
                    const void *p, size_t len)
{
    char path[REPLAY_PATH_CAP];

    replay_gate_path(g, name, path);
    (void)unlink(path); /* of the session before */
    return cli_write_new(path, S_IRUSR, p, len);
}

/* What the issuer says of who began it; the shim takes it from beside the
 * chain. */
static bool write_origin(const struct replay_session *s,
                         const struct delegation_root *root, const char *prompt)
{
    struct origin o = {.tenant = root->tenant,
                       .kind = ORIGIN_USER,
                       .prompt = ts_str_of(prompt),
                       .iat = root->iat,
                       .exp = root->exp};
    struct ts_buf out;
    bool ok;

    memcpy(o.grant_id, root->grant_id, sizeof(o.grant_id));
    ts_buf_init(&out, SIGNED_ORIGIN_MAX);
    ok = origin_make(&o, &s->keys->issuer, &out) == TS_OK;
    if (!ok)
        cli_error("the prompt cannot be stated: it has more than %u bytes",
                  ORIGIN_PROMPT_MAX);
    ok = ok && replace(s->gate, "chain.origin", ts_buf_bytes(&out), out.len);
    ts_buf_done(&out);
    return ok;
}

static bool write_chain(const struct replay_session *s,
                        const struct replay_task *task)
{
    uint64_t now = (uint64_t)time(NULL);
    struct delegation_root root = {.tenant = ts_str_of(REPLAY_TENANT),
                                   .issuer = ts_str_of(REPLAY_ISSUER),
                                   .user = ts_str_of(REPLAY_USER),
                                   .agent = ts_str_of(REPLAY_AGENT),
                                   .aud = ts_str_of(REPLAY_SIDECAR),
                                   .task = ts_str_of(task->name),
                                   .iat = now,
                                   .nbf = now,
                                   .exp = now + REPLAY_TTL_S,
                                   .policies = task->policy};
    uint8_t *room = ts_mem_alloc(TS_CHAIN_MAX);
    enum trust_code c;
    size_t len = 0;
    bool ok;

    if (room == NULL) {
        cli_error("out of memory");
        return false;
    }
    randombytes_buf(root.grant_id, sizeof(root.grant_id));
    memcpy(root.holder, s->keys->agent.pk, TRUST_PK_LEN);
    c = delegation_sign_root(&root, &s->keys->issuer, room, TS_CHAIN_MAX, &len);
    if (c != TRUST_OK)
        cli_error("the delegation cannot be made: %s", trust_code_text(c));
    ok = c == TRUST_OK && replace(s->gate, "chain", room, len) &&
         (task->prompt == NULL || write_origin(s, &root, task->prompt));
    ts_mem_free(room);
    return ok;
}

bool replay_session_open(struct replay_session *s, struct replay_gate *g,
                         const struct replay_keys *k, const struct shape *shape,
                         const struct replay_task *task)
{
    char socket[REPLAY_PATH_CAP], chain[REPLAY_PATH_CAP], key[REPLAY_PATH_CAP];
    char text[TIPSTAFF_MESSAGE_MAX];
    const struct tipstaff_config c = {
        .socket = socket, .chain = chain, .key = key};

    *s = (struct replay_session){.gate = g, .keys = k, .shape = shape};
    replay_gate_path(g, "chain.origin", chain);
    (void)unlink(chain); /* of the session before */
    replay_gate_path(g, "agent.sock", socket);
    replay_gate_path(g, "chain", chain);
    replay_gate_path(g, "key", key);
    if (!write_chain(s, task) ||
        !replace(g, "key", k->agent_seed, TRUST_SEED_LEN))
        return false;
    s->args = ts_mem_alloc(REPLAY_ARGS_MAX);
    if (s->args != NULL && tipstaff_open(&c, &s->t, text) == TIPSTAFF_OK)
        return true;
    cli_error("no session: %s", s->args == NULL ? "out of memory" : text);
    replay_session_close(s);
    return false;
}

void replay_session_close(struct replay_session *s)
{
    tipstaff_close(s->t);
    ts_mem_free(s->args);
    s->t = NULL;
    s->args = NULL;
}

static bool next(struct replay_session *s, struct tipstaff_event *ret)
{
    time_t end = time(NULL) + ANSWER_MS / 1000;

    for (;;) {
        short events = 0;
        enum tipstaff_status st = tipstaff_next(s->t, 0, ret);
        int fd;

        if (st == TIPSTAFF_OK)
            return true;
        if (st != TIPSTAFF_AGAIN || time(NULL) > end) {
            cli_error("%s", st == TIPSTAFF_AGAIN ? "the gate does not answer"
                                                 : tipstaff_message(s->t));
            return false;
        }
        fd = tipstaff_fd(s->t, &events);
        if (!replay_gate_turn(s->gate, fd, events, ANSWER_MS))
            return false;
    }
}

static void code_of(struct tipstaff_str code, char out[TIPSTAFF_CODE_MAX])
{
    size_t n =
        code.len < TIPSTAFF_CODE_MAX - 1 ? code.len : TIPSTAFF_CODE_MAX - 1;

    memcpy(out, code.ptr, n);
    out[n] = '\0';
}

static bool make(struct replay_session *s, const char *tool, json_t *args,
                 struct tipstaff_call *ret)
{
    size_t len;

    if (!replay_args(shape_tool_of(s->shape, tool), args, s->args,
                     REPLAY_ARGS_MAX, &len)) {
        cli_error("%s: its arguments are too long to be replayed", tool);
        return false;
    }
    /* Where nobody answers the question is withdrawn at once: the gate holds
     * only so many for one tenant, and denies what comes beyond them. */
    *ret = (struct tipstaff_call){.tool = tool,
                                  .args_msgpack = s->args,
                                  .args_msgpack_len = len,
                                  .hold_ms = s->people_say_yes ? 0 : ANSWER_MS};
    return true;
}

/* What the record of the decision says beside the answer. */
static bool from_record(struct replay_session *s, struct replay_answer *a)
{
    if (!s->gate->last.is_new && !replay_gate_turn(s->gate, -1, 0, 0))
        return false;
    a->us = s->gate->last.is_new ? s->gate->last.us : 0;
    (void)snprintf(a->policies, sizeof(a->policies), "%s",
                   s->gate->last.is_new ? s->gate->last.policies : "");
    return true;
}

static bool withdraw(struct replay_session *s, const struct tipstaff_call *c,
                     uint64_t seq)
{
    if (tipstaff_cancel(s->t, seq) == TIPSTAFF_OK)
        return true;
    cli_error("%s: %s", c->tool, tipstaff_message(s->t));
    return false;
}

/* Submits and follows one call; *ret_id is the decision's. */
static bool follow(struct replay_session *s, const struct tipstaff_call *c,
                   struct replay_answer *ret, uint8_t ret_id[16])
{
    struct tipstaff_event ev;
    bool withdrawn = false;
    uint64_t seq;

    *ret = (struct replay_answer){.verdict = TIPSTAFF_DENY};
    s->gate->last = (struct replay_decision){.is_new = false};
    if (tipstaff_submit(s->t, c, &seq) != TIPSTAFF_OK) {
        cli_error("%s: %s", c->tool, tipstaff_message(s->t));
        return false;
    }
    for (;;) {
        if (!next(s, &ev))
            return false;
        if (ev.kind == TIPSTAFF_DECIDED && withdrawn)
            return true; /* that nobody said yes is no news */
        if (ev.kind == TIPSTAFF_DECIDED) {
            ret->verdict = ev.verdict;
            code_of(ev.code, ret->code);
            memcpy(ret_id, ev.decision_id, sizeof(ev.decision_id));
            if (ev.verdict != TIPSTAFF_PERMIT && !from_record(s, ret))
                return false;
            withdrawn = ev.waits;
            if (ev.waits && !withdraw(s, c, seq))
                return false;
            if (ev.verdict != TIPSTAFF_PERMIT && !ev.waits)
                return true;
        }
        if (ev.kind == TIPSTAFF_ENDED) {
            ret->has_run = ret->verdict == TIPSTAFF_PERMIT;
            return withdrawn || from_record(s, ret);
        }
    }
}

bool replay_session_call(struct replay_session *s, const char *tool,
                         json_t *args, struct replay_answer *ret)
{
    struct tipstaff_call c;
    struct replay_answer after;
    uint8_t id[16] = {0};
    bool granted = false;

    if (!make(s, tool, args, &c) || !follow(s, &c, ret, id))
        return false;
    if (ret->verdict != TIPSTAFF_PENDING || !s->people_say_yes)
        return true;
    if (!replay_say_yes(s->gate, s->keys, id, &granted))
        return false;
    if (!granted)
        return true;
    /* The same call again takes what was granted. */
    if (!follow(s, &c, &after, id))
        return false;
    ret->has_run = after.has_run;
    return true;
}

/* One after the other into room; false: they do not fit. */
static bool make_all(struct replay_session *s, const char *tool, json_t *list,
                     uint8_t *room, struct tipstaff_call *calls)
{
    const struct shape_tool *t = shape_tool_of(s->shape, tool);
    size_t at = 0, i;
    json_t *args;

    json_array_foreach(list, i, args)
    {
        size_t len;

        if (!replay_args(t, args, room + at, CHECKS_ROOM - at, &len)) {
            cli_error("%s: its arguments are too long to be asked about", tool);
            return false;
        }
        calls[i] = (struct tipstaff_call){
            .tool = tool, .args_msgpack = room + at, .args_msgpack_len = len};
        at += len;
    }
    return true;
}

struct checks {
    struct tipstaff_call calls[REPLAY_CHECKS_MAX];
    struct tipstaff_answer answers[REPLAY_CHECKS_MAX];
    uint8_t room[CHECKS_ROOM];
};

bool replay_session_check(struct replay_session *s, const char *tool,
                          json_t *list, size_t *ret_at)
{
    size_t n = json_array_size(list), at = 0;
    struct checks *c;
    bool ok;

    TS_REQUIRE(n <= REPLAY_CHECKS_MAX);
    if (n == 0) {
        *ret_at = 0;
        return true;
    }
    c = ts_mem_alloc(sizeof(*c));
    ok = c != NULL && make_all(s, tool, list, c->room, c->calls);
    if (c == NULL)
        cli_error("out of memory");
    if (ok && tipstaff_check(s->t, c->calls, n, ANSWER_MS, c->answers) !=
                  TIPSTAFF_OK) {
        cli_error("%s: %s", tool, tipstaff_message(s->t));
        ok = false;
    }
    /* Their records are taken out of the ring, which would fill up. */
    ok = ok && replay_gate_turn(s->gate, -1, 0, 0);
    while (ok && at < n && c->answers[at].verdict != TIPSTAFF_PERMIT)
        at++;
    ts_mem_free(c);
    if (ok)
        *ret_at = at;
    return ok;
}
