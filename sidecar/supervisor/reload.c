/* A new bundle beside the old: all take it, or none. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/log.h"
#include "sidecar/supervisor/supervise.h"

#define PREPARE_MS 30000

/* The settings of the running processes do not change; say so, and do not let
 * a broken file lie there until the next start. */
static ts_err check_settings(struct supervisor *sv, char *reterr_text)
{
    struct config fresh = {0};
    ts_err e = config_load(sv->config_dir, sv->config_file, geteuid(), &fresh,
                           reterr_text);

    if (e != TS_OK)
        return e;
    if (!ts_str_eq(fresh.text, sv->config->text))
        log_event(LOG_WARN,
                  "settings_changed file=%s text=\"restart the "
                  "service to apply them\"",
                  sv->config_file);
    config_done(&fresh);
    return TS_OK;
}

ts_err reload_collect(struct supervisor *sv, int *ret_fd, char *reterr_text)
{
    return bundle_collect(sv->config_dir, ret_fd, reterr_text,
                          CONTROL_TEXT_MAX);
}

static bool same_files(const struct bundle *a, const struct bundle *b,
                       const char *prefix)
{
    size_t n = 0, m = 0;
    const struct bundle_file *x = bundle_prefix(a, prefix, &n);
    const struct bundle_file *y = bundle_prefix(b, prefix, &m);

    if (n != m)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!ts_str_eq(x[i].name, y[i].name) ||
            !ts_str_eq(x[i].content, y[i].content))
            return false;
    }
    return true;
}

/* A filter that a process has installed cannot be taken back, and there is a
 * launcher for each profile. */
static ts_err check_profiles(const struct supervisor *sv, int bundle,
                             char *reterr_text)
{
    struct bundle old = {0}, new = {0};
    ts_err e = bundle_open(sv->bundle, &old);

    if (e == TS_OK)
        e = bundle_open(bundle, &new);
    if (e == TS_OK && !same_files(&old, &new, "sandbox/")) {
        (void)snprintf(reterr_text, CONTROL_TEXT_MAX,
                       "sandbox/: the seccomp profiles have changed; restart "
                       "the service to apply them, or bring the files back to "
                       "what they were");
        e = TS_E_INVALID;
    }
    bundle_done(&old);
    bundle_done(&new);
    return e;
}

static bool takes_bundles(const struct process *p)
{
    return p->pid != 0 && p->role != ROLE_RECORDER;
}

static ts_err tell(struct process *p, const struct control_message *m)
{
    /* A full channel means that it has not read for a long time. */
    return p->control < 0 || control_send(p->control, m) != TS_OK ? TS_E_STATE
                                                                  : TS_OK;
}

static ts_err prepare(struct supervisor *sv, uint64_t generation, int bundle)
{
    const struct control_message m = {.type = CONTROL_PREPARE,
                                      .bundle_fd = bundle,
                                      .journal_fd = -1,
                                      .as.prepare = {generation}};
    ts_err e = TS_OK;

    for (uint32_t i = 0; e == TS_OK && i < sv->set_count; i++) {
        if (!takes_bundles(&sv->set[i]))
            continue;
        e = tell(&sv->set[i], &m);
        sv->set[i].phase = PHASE_PREPARING;
    }
    return e;
}

static bool all_answered(const struct supervisor *sv)
{
    for (uint32_t i = 0; i < sv->set_count; i++) {
        if (sv->set[i].phase == PHASE_PREPARING)
            return false;
    }
    return true;
}

/* What a launcher will not serve of it: a line each. No reason to refuse the
 * rest. */
static void log_unserved(struct ts_str text)
{
    const char *at = text.ptr, *end = text.ptr + text.len;

    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t n = (size_t)((stop != NULL ? stop : end) - at);
        char shown[1500];

        (void)ts_str_escape(shown, sizeof(shown), at, n);
        log_event(LOG_WARN, "tool_unserved text=\"%s\"", shown);
        at += n + 1;
    }
}

/* Collects the answers. The first refusal's text goes to reterr_text, and
 * *ret_refused says whether there was one. */
static ts_err await_answers(struct supervisor *sv, uint64_t generation,
                            bool *ret_refused, char *reterr_text)
{
    uint64_t until = supervisor_now_ms(sv) + PREPARE_MS;
    bool refused = false;

    while (!all_answered(sv)) {
        struct event ev;

        pump(sv, until, &ev);
        switch (ev.kind) {
        case EVENT_TIME:
        case EVENT_DEATH:
        case EVENT_BROKEN:
            log_event(LOG_ERROR, "reload_failed text=\"%s\"",
                      ev.kind == EVENT_TIME ? "no answer in time"
                                            : "a process died");
            return TS_E_STATE;
        case EVENT_SIGNAL:
        case EVENT_FILES:
            break; /* after this one */
        case EVENT_MESSAGE:
            if (ev.message.type == CONTROL_STATUS)
                break;
            if (ev.message.type == CONTROL_PREPARED &&
                ev.message.as.prepared.generation != generation)
                return TS_E_STATE;
            if (ev.message.type == CONTROL_PREPARED)
                log_unserved(ev.message.as.prepared.text);
            if (ev.message.type == CONTROL_REJECTED && !refused) {
                struct ts_str text = ev.message.as.text.text;

                (void)snprintf(reterr_text, CONTROL_TEXT_MAX, "%.*s",
                               (int)text.len, text.ptr);
                refused = true;
            }
            ev.from->phase = PHASE_SERVING;
            break;
        }
    }
    *ret_refused = refused;
    return TS_OK;
}

/* The gate last: it sends orders of the new generation from the moment it has
 * swapped. Launchers ask the broker for what such an order may reach. */
static ts_err finish(struct supervisor *sv, const struct control_message *m)
{
    static const enum process_role order[] = {ROLE_BROKER, ROLE_LAUNCHER,
                                              ROLE_GATE};
    ts_err e = TS_OK;

    for (size_t r = 0; r < sizeof(order) / sizeof(order[0]); r++) {
        for (uint32_t i = 0; e == TS_OK && i < sv->set_count; i++) {
            if (takes_bundles(&sv->set[i]) && sv->set[i].role == order[r])
                e = tell(&sv->set[i], m);
        }
    }
    return e;
}

static ts_err keep_old(struct supervisor *sv, uint64_t generation,
                       const char *text)
{
    char shown[1500];
    size_t len = strlen(text);
    const struct control_message m = {
        .type = CONTROL_ABORT,
        .bundle_fd = -1,
        .journal_fd = -1,
        /* The text may end in half a character where it was cut. */
        .as.abort = {generation, ts_utf8_valid(text, len)
                                     ? ts_str_of(text)
                                     : ts_str_of("the files are malformed; see "
                                                 "the service log")}};

    (void)ts_str_escape(shown, sizeof(shown), text, len);
    log_event(LOG_ERROR, "reload_refused generation=%llu kept=%llu text=\"%s\"",
              (unsigned long long)generation,
              (unsigned long long)sv->generation, shown);
    return finish(sv, &m);
}

static ts_err take_new(struct supervisor *sv, uint64_t generation, int *bundle)
{
    const struct control_message m = {.type = CONTROL_COMMIT,
                                      .bundle_fd = -1,
                                      .journal_fd = -1,
                                      .as.prepare = {generation}};
    ts_err e = finish(sv, &m);

    /* Also when a process is lost just now: a fresh set starts from the new
     * one, which all had accepted. */
    ts_fd_close(&sv->bundle);
    sv->bundle = *bundle;
    *bundle = -1; /* moved */
    sv->generation = generation;
    supervisor_watch(sv);
    log_event(LOG_INFO, "reloaded generation=%llu",
              (unsigned long long)generation);
    return e;
}

static void say_reloading(struct supervisor *sv)
{
    struct timespec t = {0};

    if (clock_gettime(CLOCK_MONOTONIC, &t) == 0)
        notify_send(&sv->notify, "RELOADING=1\nMONOTONIC_USEC=%lld",
                    (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000);
}

ts_err reload(struct supervisor *sv)
{
    char text[CONTROL_TEXT_MAX] = "";
    uint64_t generation = sv->generation + 1;
    int bundle TS_CLEANUP(ts_fd_close) = -1;
    bool refused = false;
    ts_err e;

    sv->want_reload = false;
    say_reloading(sv);
    if (check_settings(sv, text) != TS_OK ||
        reload_collect(sv, &bundle, text) != TS_OK ||
        check_profiles(sv, bundle, text) != TS_OK) {
        refused = true;
        e = keep_old(sv, generation, text);
    } else if ((e = prepare(sv, generation, bundle)) == TS_OK &&
               (e = await_answers(sv, generation, &refused, text)) == TS_OK) {
        e = refused ? keep_old(sv, generation, text)
                    : take_new(sv, generation, &bundle);
    }
    notify_send(&sv->notify, "READY=1\nSTATUS=%s generation %llu",
                refused ? "reload refused, still on" : "serving",
                (unsigned long long)sv->generation);
    return e;
}
