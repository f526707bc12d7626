/*
 * tipstaff-recorder: the only writer of the decision log and the only sender
 * of orders to launchers. No network, no exec; files in two directories that it
 * was given. It is confined before the first byte from the gate is read. On
 * anything unexpected it stops, and then nothing can be launched.
 */
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "proto/base/ts_mem_stop.h"
#include "sidecar/common/confine/confine.h"
#include "sidecar/common/control/hear.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/recorder/serve.h"

/* SIGPIPE and SIGXFSZ come back as errors, which are handled. */
static void ignore_signals(void)
{
    struct sigaction ign = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGPIPE, &ign, NULL); /* cannot fail */
    (void)sigaction(SIGXFSZ, &ign, NULL); /* cannot fail */
}

static ts_err receive_start(uint8_t buf[CONTROL_MESSAGE_MAX],
                            struct control_start *ret)
{
    struct control_message m;
    ts_err e = control_receive_start(FD_CONTROL, 0, buf, &m);

    if (e != TS_OK)
        return e;
    *ret = m.as.start;
    return TS_OK;
}

/* Two recorders on one log would break the chain. */
static ts_err lock_directories(void)
{
    if (flock(RECORDER_FD_LOG, LOCK_EX | LOCK_NB) != 0 ||
        flock(RECORDER_FD_STATE, LOCK_EX | LOCK_NB) != 0) {
        log_event(LOG_ERROR, "locked what=\"another recorder uses the log or "
                             "state directory\"");
        return TS_E_EXISTS;
    }
    return TS_OK;
}

/* What makes no sense was written by a gate that was not itself any more. */
static ts_err open_ring(struct server *s)
{
    ts_err e = ring_reader_open(RECORDER_FD_RING, RECORDER_FD_WAKE, &s->ring);

    if (e == TS_E_FORMAT) {
        log_event(LOG_ERROR, "ring_damaged what=\"what an earlier set of "
                             "processes left in it is lost\"");
        e = ring_forget(RECORDER_FD_RING);
        if (e == TS_OK)
            e = ring_reader_open(RECORDER_FD_RING, RECORDER_FD_WAKE, &s->ring);
    }
    if (e == TS_OK)
        ring_state_set(&s->ring, RING_STOPPED);
    return e;
}

/* Before anything of ours is added to the log: what a recorder that died had
 * been given. The gate then gets its entries of the journal, too. */
static ts_err replay(struct server *s, uint64_t us, int *memfd)
{
    char text[JOURNAL_REFUSAL_MAX] = "";
    struct batch_replayed r;
    ts_err e = batch_replay(&s->batch, us, &r);

    if (e != TS_OK) {
        log_event(LOG_ERROR, "replay error=\"%s\" what=\"%s\"", ts_err_text(e),
                  s->batch.flaw != NULL ? s->batch.flaw : "");
        return e;
    }
    if (r.cut != NULL)
        log_event(LOG_ERROR, "replay_cut what=\"%s\"", r.cut);
    if (r.dropped > 0)
        log_event(LOG_ERROR, "replay_dropped entries=%u what=\"%s\"", r.dropped,
                  r.flaw);
    if (r.entries > 0)
        log_event(LOG_INFO, "replayed entries=%u known=%u dropped=%u",
                  r.entries, r.known, r.dropped);
    if (r.journal == 0)
        return TS_OK;
    ts_fd_close(memfd);
    e = journal_hand_out(&s->journal, memfd, text);
    if (e != TS_OK)
        log_event(LOG_ERROR, "journal error=\"%s\" what=\"%s\"", ts_err_text(e),
                  text);
    return e;
}

static ts_err open_journal(struct server *s, bool init, int *ret_memfd)
{
    static struct journal_found found; /* as text, too large for the stack */
    char text[JOURNAL_REFUSAL_MAX] = "";
    ts_err e = journal_open(RECORDER_FD_STATE, init, &s->journal, &found, text);

    if (e != TS_OK) {
        log_event(LOG_ERROR, "journal error=\"%s\" what=\"%s\"", ts_err_text(e),
                  text);
        return e;
    }
    *ret_memfd = found.memfd;
    if (found.put_aside[0] != '\0')
        log_event(LOG_WARN, "journal_put_aside why=\"%s\"", found.put_aside);
    if (found.begun)
        log_event(LOG_INFO, "journal_begun");
    if (found.cut > 0)
        log_event(LOG_WARN, "journal_cut at=%llu bytes=%llu",
                  (unsigned long long)s->journal.size,
                  (unsigned long long)found.cut);
    log_event(LOG_INFO, "journal entries=%zu last=%llu bytes=%llu",
              s->journal.index.count, (unsigned long long)s->journal.place.seq,
              (unsigned long long)s->journal.size);
    return TS_OK;
}

/* The log was written after the journal, always: if it knows more, somebody
 * put an older journal back. A log that another sidecar wrote says nothing. */
static ts_err compare_with_log(const struct server *s, bool init)
{
    if (s->journal.place.seq >= s->store.found_journal ||
        strcmp(s->store.found_sidecar, s->store.settings.sidecar) != 0)
        return TS_OK;
    log_event(init ? LOG_WARN : LOG_ERROR,
              "journal_older what=\"state.journal ends with entry %llu, but "
              "the log speaks of entry %llu: an older copy was put back, and "
              "revocations would be forgotten; restore the newest copy, or "
              "start once with tipstaffd --init-state to go on with this one, "
              "and revoke again\"",
              (unsigned long long)s->journal.place.seq,
              (unsigned long long)s->store.found_journal);
    return init ? TS_OK : TS_E_STATE;
}

static ts_err open_log(struct server *s, const struct control_start *start,
                       int *memfd)
{
    struct store_settings settings = {.log_dir = RECORDER_FD_LOG,
                                      .segment_bytes =
                                          start->segment_bytes < SEGMENT_MIN
                                              ? SEGMENT_MIN
                                              : start->segment_bytes,
                                      .reserve_bytes = start->reserve_bytes,
                                      .sync = start->durability_sync};
    char boot[17], text[512];
    const struct store_member members[STORE_MEMBERS] = {
        {.key = "process", .text = "recorder"},
        {.key = "boot", .text = boot},
        {.key = "sidecar", .text = settings.sidecar}};
    uint64_t us = serve_now_us();
    ts_err e;

    (void)snprintf(settings.sidecar, sizeof(settings.sidecar), "%.*s",
                   start->sidecar_id.len > TS_ID_MAX
                       ? TS_ID_MAX
                       : (int)start->sidecar_id.len,
                   start->sidecar_id.ptr);
    e = store_open(&settings, &s->store, text, sizeof(text));
    if (e != TS_OK) {
        log_event(LOG_ERROR, "log error=\"%s\" what=\"%s\"", ts_err_text(e),
                  text);
        return e;
    }
    (void)snprintf(boot, sizeof(boot), "%016llx",
                   (unsigned long long)start->boot_id);
    e = compare_with_log(s, start->init_state);
    if (e != TS_OK)
        return e;
    store_journal_is(&s->store, s->journal.place.seq);
    e = replay(s, us, memfd);
    if (e == TS_OK)
        e = store_begin(&s->store, us);
    if (e == TS_OK)
        e = store_note(&s->store, "start", members, us);
    if (e == TS_OK)
        e = store_commit(&s->store, us);
    if (e == TS_OK)
        e = store_sync(&s->store);
    return e;
}

static ts_err open_all(struct server *s, const struct control_start *start,
                       int *ret_memfd)
{
    ts_err e = lock_directories();

    s->launchers.count = start->launchers;
    for (uint32_t i = 0; i < start->launchers; i++)
        s->launchers.fds[i] = RECORDER_FD_LAUNCHER + (int)i;
    if (e == TS_OK)
        e = open_ring(s);
    if (e == TS_OK)
        e = batch_init(&s->batch);
    if (e == TS_OK)
        e = open_journal(s, start->init_state, ret_memfd);
    if (e == TS_OK)
        e = open_log(s, start, ret_memfd);
    if (e == TS_OK)
        e = fanout_init(&s->fanout);
    if (e == TS_OK && fcntl(RECORDER_FD_TAIL, F_SETFL, O_NONBLOCK) != 0)
        e = TS_E_SYSTEM;
    return e;
}

static ts_err send_ready(int memfd)
{
    const struct control_message m = {.type = CONTROL_READY,
                                      .bundle_fd = memfd,
                                      .journal_fd = -1,
                                      .as.text.text = TS_STR_LIT("recording")};

    return control_send(FD_CONTROL, &m);
}

static int fail(const char *step, ts_err e)
{
    log_event(LOG_ERROR, "%s error=\"%s\"", step, ts_err_text(e));
    return 1;
}

int main(void)
{
    static struct server s; /* too large for the stack */
    static uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_start start;
    const char *step = NULL;
    int memfd = -1;
    ts_err e;

    log_init("recorder", LOG_INFO);
    json_set_alloc_funcs(ts_mem_alloc_or_stop, ts_mem_free);
    ignore_signals();
    if (sodium_init() < 0)
        return fail("sodium", TS_E_SYSTEM);
    e = receive_start(buf, &start);
    if (e != TS_OK)
        return fail("start", e);
    e = confine_self(CONFINE_RECORDER,
                     RECORDER_FD_LAUNCHER + (int)start.launchers - 1, &step);
    if (e != TS_OK)
        return fail(step != NULL ? step : "confine", e);
    s.control_fd = FD_CONTROL;
    s.batch = (struct batch){.ring = &s.ring,
                             .store = &s.store,
                             .journal = &s.journal,
                             .launchers = &s.launchers};
    s.fanout = (struct fanout){.listen_fd = RECORDER_FD_TAIL,
                               .log_dir = RECORDER_FD_LOG,
                               .journal = &s.journal,
                               .uids = start.admin_uids,
                               .uid_count = start.admin_uid_count,
                               .operators = start.tenant_operators,
                               .operator_count = start.tenant_operator_count};
    e = open_all(&s, &start, &memfd);
    if (e == TS_OK)
        e = send_ready(memfd);
    ts_fd_close(&memfd);
    if (e != TS_OK)
        return fail("open", e);
    return serve(&s) == TS_OK ? 0 : 1;
}
