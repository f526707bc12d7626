#include "sidecar/launcher/trials.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/layer.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/canary/asked.h"
#include "sidecar/launcher/canary/verdicts.h"
#include "sidecar/launcher/launcher.h"

#define PROGRAM "tipstaff-canary"
/* It takes a millisecond; a machine that starts everything at once takes its
 * time. Beyond this it is killed like any tool. */
#define WALL_MS    25000 /* within start_ms, on a machine that is busy */
#define GIVE_UP_MS (WALL_MS + 35000) /* reap.c gives up before */
#define BUDGET     ((size_t)64 << 10)
#define WORDS      5
/* Of its /tmp, so that the box is used again; then it is tried in that one. */
#define AGAIN_TOOL   "canary-again"
#define AGAIN_ROUNDS 24
#define AGAIN_MS                                                               \
    5 /* a tick of the clock: a box is not given out in its own                \
       */

struct trial_run { /* of one level */
    int out;       /* read end of its output, owned; -1 */
    bool is_over;
    struct order_exited exited;
    uint64_t took_us;
};

struct session {
    struct launcher *l;
    int ours;                     /* what the launcher sends to "the gate" */
    struct canary_asked asked[2]; /* [1]: of level strict */
    struct trial_run run[LEVEL_COUNT];
    uint32_t open; /* how many are not over */
};

static bool is_above(const char *folder, struct ts_str program)
{
    size_t n = strlen(folder);

    return program.len > n && memcmp(program.ptr, folder, n) == 0 &&
           program.ptr[n] == '/';
}

/* A folder of the host that everybody may list and that the canary's box does
 * not contain: its own program's folders are in there. */
static const char *folder_outside(struct ts_str program)
{
    static const char *const folders[] = {"/var", "/sys", "/home",
                                          "/opt", "/srv", "/boot"};

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        int fd = is_above(folders[i], program)
                     ? -1
                     : open(folders[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
            continue;
        (void)close(fd);
        return folders[i];
    }
    return folders[0];
}

/* Beside our own program. */
static ts_err find_program(struct ts_arena *a, struct ts_str *ret)
{
    char path[4096];
    const size_t room = sizeof(path) - sizeof(PROGRAM);
    ssize_t n = readlink("/proc/self/exe", path, room);
    const char *copy;
    ts_err e;

    while (n > 0 && path[n - 1] != '/')
        n--;
    if (n <= 0)
        return TS_E_NOT_FOUND;
    memcpy(path + n, PROGRAM, sizeof(PROGRAM));
    e = ts_arena_strndup(a, path, strlen(path), &copy);
    if (e == TS_OK)
        *ret = ts_str_of(copy);
    return e;
}

static ts_err words_of(const struct launcher *l, uint64_t skip,
                       struct ts_str program, struct ts_arena *a,
                       struct ts_str *words)
{
    char text[3][24];
    const char *copy[3];
    ts_err e = TS_OK;

    (void)snprintf(text[0], sizeof(text[0]), "%u", (unsigned)l->self_uid);
    (void)snprintf(text[1], sizeof(text[1]), "%d", (int)l->place.self);
    (void)snprintf(text[2], sizeof(text[2]), "%llu", (unsigned long long)skip);
    for (size_t i = 0; i < 3 && e == TS_OK; i++) {
        e = ts_arena_strndup(a, text[i], strlen(text[i]), &copy[i]);
        if (e == TS_OK)
            words[i + 2] = ts_str_of(copy[i]);
    }
    words[0] = TS_STR_LIT("canary");
    words[1] = ts_str_of(folder_outside(program));
    return e;
}

/* As if a file had said so; generation 0 is no real one's. */
static ts_err make_manifest(const struct launcher *l, struct ts_str name,
                            uint64_t skip, struct ts_arena *a,
                            struct manifest *m)
{
    struct ts_str *words;
    void *p;
    ts_err e = ts_arena_array(a, WORDS, sizeof(*words), &p);

    if (e != TS_OK)
        return e;
    words = p;
    *m = (struct manifest){
        .file = TS_STR_LIT("canary"),
        .tool = name,
        .tool_line = 1,
        .action = TS_STR_LIT("canary"),
        .argv = words,
        .argv_count = WORDS,
        .cwd = TS_STR_LIT("/"),
        .seccomp = ts_str_of(l->profile->name),
        .launcher = l->index,
        .limits = {.wall_ms = WALL_MS,
                   .cpu_s = 5,
                   .memory_mb = 64,
                   .processes = 4,
                   .file_size_mb = 1,
                   .open_files = 64,
                   .output_bytes = 4096,
                   .tmp_mb = 1},
    };
    if ((e = find_program(a, &m->exec)) != TS_OK)
        return e;
    return words_of(l, skip, m->exec, a, words);
}

/* As the supervisor handed it over; 0: it did not. */
static int given_program(void)
{
    struct stat st;

    return fstat(LAUNCHER_FD_CANARY, &st) == 0 && S_ISREG(st.st_mode)
               ? LAUNCHER_FD_CANARY
               : 0;
}

/* Takes nothing from the launcher but what it is to be launched with. */
static ts_err open_tool(struct launcher *l, uint64_t skip, char *text,
                        size_t cap)
{
    const struct tool_host host = {
        .key = l->key,
        .index = l->index,
        .secrets = {.credentials_fd = -1},
        .program_fd = given_program(),
        .abi = l->layers.landlock_abi,
        .offer = &l->offer,
        .most = l->level_most,
        .builder = offer_has_full(l) ? &l->builder : NULL,
    };
    struct manifests *m = ts_mem_alloc(sizeof(*m));
    void *p;
    ts_err e;

    if (m == NULL)
        return TS_E_NOMEM;
    ts_arena_init(&m->arena, BUDGET);
    e = ts_arena_array(&m->arena, 2, sizeof(*m->list), &p);
    if (e == TS_OK) {
        m->list = p;
        m->count = 2;
        e = make_manifest(l, TS_STR_LIT("canary"), skip, &m->arena, m->list);
    }
    if (e == TS_OK)
        e = make_manifest(l, TS_STR_LIT(AGAIN_TOOL),
                          skip | CANARY(WRITE_OUTSIDE), &m->arena, m->list + 1);
    /* and by name it takes rights, where it was not handed over */
    caps_raise(&l->caps, &l->key);
    if (e == TS_OK)
        e = toolset_open(m, &host, &l->tools, text, cap);
    caps_lower(&l->caps, &l->key);
    if (e != TS_OK)
        manifests_free(m);
    return e;
}

/* Only this one is offered while its canary is launched. */
static void offer_only(struct launcher *l, const struct level_offer *all,
                       int level)
{
    l->offer = *all;
    for (int i = 0; i < LEVEL_COUNT; i++)
        l->offer.given[i] = i == level;
}

static ts_err launch(struct session *s, int level, struct ts_str tool)
{
    static const uint8_t no_args[] = {0x80}; /* an empty map */
    const struct order o = {
        .order_id = (uint64_t)level,
        .tool = tool,
        .args = {.ptr = no_args, .len = sizeof(no_args)},
        .path = TS_STR_LIT(""),
        .wall_ms = WALL_MS,
        .output_max = 4096,
        .token = TS_STR_LIT(""),
        .box = (enum box_level)level,
    };
    ts_err e;

    offer_only(s->l, &s->l->trials.before, level);
    e = launch_order(s->l, &o, now_ns());
    s->l->offer = s->l->trials.before;
    if (e == TS_OK)
        s->open++;
    return e;
}

static void on_started(struct session *s, const uint8_t *b, size_t n,
                       int fds[BACK_FDS])
{
    struct order_started m;
    const char *what;

    if (order_started_decode(b, n, &m, &what) == TS_OK &&
        m.order_id < LEVEL_COUNT && s->run[m.order_id].out < 0) {
        s->run[m.order_id].out = fds[1];
        s->run[m.order_id].took_us = m.launch_us;
        fds[1] = -1; /* moved */
    }
    for (int i = 0; i < BACK_FDS; i++)
        ts_fd_close(&fds[i]);
}

static void on_refused(struct session *s, const uint8_t *b, size_t n)
{
    const char *what, *why = s->l->tools->tools[0].unavailable;
    struct order_refused m;

    if (order_refused_decode(b, n, &m, &what) != TS_OK ||
        m.order_id >= LEVEL_COUNT)
        return;
    s->l->trials.level[m.order_id].end = TRIAL_NO_START;
    s->open--;
    log_event(LOG_ERROR,
              "canary_not_started level=%s profile=%s step=%.*s errno=%u "
              "text=\"%.*s\"",
              box_level_name((enum box_level)m.order_id), s->l->profile->name,
              (int)m.step.len, m.step.ptr, m.sys_errno,
              why != NULL ? (int)strlen(why) : (int)m.text.len,
              why != NULL ? why : m.text.ptr);
}

static void on_exited(struct session *s, const uint8_t *b, size_t n)
{
    struct order_exited m;
    const char *what;

    if (order_exited_decode(b, n, &m, &what) != TS_OK ||
        m.order_id >= LEVEL_COUNT || s->run[m.order_id].is_over)
        return;
    s->run[m.order_id].is_over = true;
    s->run[m.order_id].exited = m;
    s->open--;
}

/* What the launcher would have sent to the gate. False: nothing is there. */
static bool hear(struct session *s)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(BACK_FDS * sizeof(int))];
    uint8_t buf[BACK_BYTES];
    struct iovec iov = {buf, sizeof(buf)};
    struct msghdr h = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    int fds[BACK_FDS] = {-1, -1, -1};
    ssize_t n = recvmsg(s->ours, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&h) : NULL;

    if (n <= 0)
        return false;
    if (c != NULL && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(fds)))
        memcpy(fds, CMSG_DATA(c), sizeof(fds));
    if (buf[0] == HOP_STARTED)
        on_started(s, buf + 1, (size_t)n - 1, fds);
    else if (buf[0] == HOP_REFUSED)
        on_refused(s, buf + 1, (size_t)n - 1);
    else if (buf[0] == HOP_EXITED)
        on_exited(s, buf + 1, (size_t)n - 1);
    return true;
}

/* What the loop of main.c does, for as long as a canary lives. */
static ts_err wait_all(struct session *s)
{
    struct launcher *l = s->l;
    uint64_t until = now_ns() + GIVE_UP_MS * 1000000ull;
    struct signalfd_siginfo si;
    ts_err e = TS_OK;

    while (e == TS_OK) {
        struct pollfd in = {.fd = l->signal_fd, .events = POLLIN};
        uint64_t now, next;

        while (hear(s))
            ;
        now = now_ns();
        if (s->open == 0 || now > until)
            break;
        next = runs_next_ns(l) < until ? runs_next_ns(l) : until;
        (void)poll(&in, 1, next <= now ? 0 : (int)((next - now) / 1000000 + 1));
        while (read(l->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
            if (si.ssi_signo == SIGTERM)
                return TS_E_CLOSED;
        }
        e = runs_reap(l);
        if (e == TS_OK)
            e = runs_tick(l, now_ns());
    }
    if (e != TS_OK)
        return e;
    return s->open == 0 ? TS_OK : TS_E_STATE;
}

static void judge(struct session *s, int level)
{
    struct launcher *l = s->l;
    const struct trial_run *r = &s->run[level];
    char out[CANARY_DIGITS + 2];
    ssize_t n = r->out < 0 ? -1 : read(r->out, out, sizeof(out));
    const struct trial_report report = {
        .in_time = r->exited.reason != END_WALL_LIMIT,
        .exit_code = r->exited.signal != 0 ? -1 : (int)r->exited.exit_code,
        .out = {.ptr = out, .len = n > 0 ? (size_t)n : 0},
        .layers =
            l->trials.before.layers[level] & ~l->trials.before.weakened[level],
        .gives = s->asked[level == BOX_STRICT].gives,
    };

    if (r->is_over)
        l->trials.level[level] = trial_judge(&report);
}

static void say(const struct session *s, int level)
{
    const struct launcher *l = s->l;
    const struct trial *t = &l->trials.level[level];
    const char *name = box_level_name((enum box_level)level);

    if (t->end == TRIAL_GOOD)
        log_event(LOG_DEBUG, "canary_good level=%s profile=%s launch_us=%llu",
                  name, l->profile->name,
                  (unsigned long long)s->run[level].took_us);
    for (unsigned b = 0; b < CANARY_BITS; b++) {
        if (t->end == TRIAL_HOLE && (t->holes >> b & 1) != 0)
            log_event(t->is_expected ? LOG_INFO : LOG_ERROR,
                      "canary_hole level=%s profile=%s probe=%s text=\"a tool "
                      "could %s; this level is not served\"",
                      name, l->profile->name, canary_name((enum canary_bit)b),
                      canary_what((enum canary_bit)b));
    }
    if (t->end == TRIAL_TIME || t->end == TRIAL_NOT_UNDERSTOOD)
        log_event(LOG_ERROR,
                  "canary_failed level=%s profile=%s step=%s exit=%u signal=%u "
                  "text=\"this level is not served\"",
                  name, l->profile->name, trial_step(t),
                  s->run[level].exited.exit_code, s->run[level].exited.signal);
}

static ts_err try_levels(struct session *s)
{
    struct launcher *l = s->l;
    ts_err e = TS_OK;

    for (int i = BOX_BARE; i < LEVEL_COUNT && e == TS_OK; i++) {
        if (l->trials.before.given[i] &&
            (l->level_most == BOX_ANY || i <= (int)l->level_most))
            e = launch(s, i, TS_STR_LIT("canary"));
    }
    if (e == TS_OK)
        e = wait_all(s);
    for (int i = BOX_BARE; i < LEVEL_COUNT && e == TS_OK; i++)
        judge(s, i);
    for (int i = 0; i < LEVEL_COUNT; i++)
        ts_fd_close(&s->run[i].out);
    return e;
}

/* One that has ended already is in no list any more: it was not. */
static bool is_in_used_box(const struct launcher *l)
{
    for (uint32_t i = 0; i < l->run_count; i++) {
        const struct init *n = &l->runs[i].init;

        if (n->nest.space != NULL && n->uses > 0)
            return true;
    }
    return false;
}

/* True: it ran where another tool had been, and its answers are in place. */
static bool try_again(struct session *s, ts_err *e)
{
    const struct timespec tick = {0, AGAIN_MS * 1000000};
    bool was_used = false;

    for (int i = 0; i < AGAIN_ROUNDS && *e == TS_OK && !was_used; i++) {
        ts_fd_close(&s->run[BOX_FULL].out);
        s->run[BOX_FULL] = (struct trial_run){.out = -1};
        *e = launch(s, BOX_FULL, TS_STR_LIT(AGAIN_TOOL));
        was_used = *e == TS_OK && is_in_used_box(s->l);
        if (*e == TS_OK)
            *e = wait_all(s);
        if (!was_used && i > 1)
            (void)nanosleep(&tick, NULL);
    }
    return was_used && *e == TS_OK;
}

/* A box is used again only where a canary found one that was as tight as the
 * first: else each tool gets one that was made for it. */
static ts_err try_used_box(struct session *s)
{
    struct launcher *l = s->l;
    struct trial *t = &l->trials.level[BOX_FULL], first = *t;
    ts_err e = TS_OK;
    bool is_good = false;

    if (first.end != TRIAL_GOOD || l->needs.no_reuse ||
        (l->trials.before.layers[BOX_FULL] & LAYER_UID) == 0)
        return TS_OK;
    if (try_again(s, &e)) {
        judge(s, BOX_FULL);
        is_good = t->end == TRIAL_GOOD;
    }
    ts_fd_close(&s->run[BOX_FULL].out);
    if (e == TS_OK && !is_good) {
        l->needs.no_reuse = true;
        log_event(t->end == TRIAL_GOOD ? LOG_INFO : LOG_ERROR,
                  "canary_no_reuse profile=%s holes=%llx text=\"boxes are not "
                  "used again\"",
                  l->profile->name, (unsigned long long)t->holes);
    }
    *t = first;
    return e;
}

static ts_err run(struct session *s)
{
    struct launcher *l = s->l;
    char text[256] = "";
    ts_err e = canary_ask(l->profile, false, &s->asked[0]);

    if (e == TS_OK)
        e = canary_ask(l->profile, true, &s->asked[1]);
    if (e == TS_OK)
        e = open_tool(l, s->asked[0].skips | s->asked[1].skips, text,
                      sizeof(text));
    if (e != TS_OK) { /* as if it did not start: nothing is offered */
        log_event(LOG_ERROR,
                  "canary_failed profile=%s error=\"%s\" text=\"%s\"",
                  l->profile->name, ts_err_text(e), text);
        return TS_OK;
    }
    e = try_levels(s);
    if (e == TS_OK)
        e = try_used_box(s);
    inits_renew(&l->inits);
    toolset_free(l->tools);
    l->tools = NULL;
    return e;
}

static bool any_given(const struct level_offer *o)
{
    for (int i = 0; i < LEVEL_COUNT; i++) {
        if (o->given[i])
            return true;
    }
    return false;
}

ts_err trials_prepare(struct launcher *l)
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                      l->trial_ends) == 0
               ? TS_OK
               : ts_err_from_errno(errno);
}

ts_err trials_run(struct launcher *l)
{
    struct session s = {.l = l, .ours = l->trial_ends[0]};
    ts_err e = TS_OK;

    for (int i = 0; i < LEVEL_COUNT; i++)
        s.run[i].out = -1;
    memset(&l->trials, 0, sizeof(l->trials));
    for (int i = 0; i < LEVEL_COUNT; i++) /* what nobody will ever get */
        l->offer.given[i] =
            l->offer.given[i] && (l->offer.demands & ~l->offer.layers[i]) == 0;
    l->trials.before = l->offer;
    if (any_given(&l->offer)) { /* else it was said which layer is missing */
        back_init(&l->back, l->trial_ends[1]);
        e = run(&s);
        back_init(&l->back, LAUNCHER_FD_GATE);
        for (int i = BOX_BARE; i < LEVEL_COUNT && e == TS_OK; i++)
            say(&s, i);
        trials_apply(&l->trials, &l->offer);
    }
    ts_fd_close(&l->trial_ends[0]);
    ts_fd_close(&l->trial_ends[1]);
    return e;
}

void trials_list(const struct launcher *l, char *text, size_t cap)
{
    for (int i = BOX_BARE; i < LEVEL_COUNT; i++) {
        const char *step = trial_step(&l->trials.level[i]);
        size_t at = strlen(text);

        if (!l->trials.before.given[i] || step == NULL ||
            l->trials.level[i].is_expected || cap - at < 2)
            continue;
        (void)snprintf(text + at, cap - at,
                       "%sprofile %s: boxes of level %s are not served: %s",
                       at > 0 ? "\n" : "", l->profile->name,
                       box_level_name((enum box_level)i), step);
    }
}

ts_err trials_tell(const struct launcher *l)
{
    ts_err e = TS_OK;

    for (int i = BOX_BARE; i < LEVEL_COUNT && e == TS_OK; i++) {
        const struct level_offer *o = &l->trials.before;
        const char *step = trial_step(&l->trials.level[i]);
        char text[256];

        (void)snprintf(
            text, sizeof(text),
            "box level=%s profile=%s offered=%d given=%d "
            "expected=%d layers=%x weakened=%x step=%s",
            box_level_name((enum box_level)i), l->profile->name, o->given[i],
            l->offer.given[i], l->trials.level[i].is_expected, o->layers[i],
            o->weakened[i], o->given[i] && step != NULL ? step : "-");
        e = control_say(FD_CONTROL, CONTROL_STATUS, text);
    }
    return e;
}
