/* Messages of the supervisor: the first bundle, reloads, the end. */
#include <stdio.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle.h"
#include "sidecar/common/control.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/launcher/launcher.h"

/* Reads the manifests of a bundle and opens what they name. Takes fd over. */
static ts_err load(struct launcher *l, int fd, uint64_t generation,
                   struct toolset **ret, char *text, size_t cap)
{
    struct manifests *m = NULL;
    struct bundle b = {0};
    ts_err e = bundle_open(fd, &b);

    ts_fd_close(&fd);
    if (e != TS_OK) {
        (void)snprintf(text, cap, "bundle:1: %s", ts_err_text(e));
        return e;
    }
    e = manifests_load(&b, &l->facts, generation, &m, text, cap);
    bundle_done(&b);
    if (e != TS_OK)
        return e;
    e = toolset_open(m, l->index, l->layers.landlock_abi, ret, text, cap);
    if (e != TS_OK)
        manifests_free(m);
    return e;
}

static ts_err send_text(enum control_type type, const char *text)
{
    const struct control_message m = {.type = type,
                                      .bundle_fd = -1,
                                      .journal_fd = -1,
                                      .as.text.text = ts_str_of(text)};

    return control_send(FD_CONTROL, &m);
}

ts_err control_start_up(struct launcher *l)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;
    char text[512] = "";
    ts_err e = control_receive(FD_CONTROL, buf, &m);

    if (e != TS_OK)
        return e;
    if (m.type != CONTROL_START || m.bundle_fd < 0 || m.journal_fd >= 0) {
        ts_fd_close(&m.bundle_fd);
        ts_fd_close(&m.journal_fd);
        return TS_E_STATE;
    }
    l->index = m.as.start.launcher_index;
    l->level_most = m.as.start.sandbox.most;
    uids_init(&l->uids, m.as.start.sandbox.uid_first,
              m.as.start.sandbox.uid_count, m.as.start.launchers, l->index);
    offer_make(l);
    l->facts = manifest_facts_of(&m.as.start);
    e = load(l, m.bundle_fd, m.as.start.generation, &l->tools, text,
             sizeof(text));
    if (e == TS_OK)
        return TS_OK;
    log_event(LOG_ERROR, "manifests_refused %s", text);
    if (send_text(CONTROL_REJECTED, text) != TS_OK)
        log_event(LOG_ERROR, "control_lost");
    return e;
}

static ts_err on_prepare(struct launcher *l, const struct control_message *m)
{
    struct control_message done = {
        .type = CONTROL_PREPARED, .bundle_fd = -1, .journal_fd = -1};
    char text[512] = "";
    ts_err e;

    if (m->bundle_fd < 0)
        return TS_E_FORMAT;
    toolset_free(l->prepared);
    l->prepared = NULL;
    e = load(l, m->bundle_fd, m->as.prepare.generation, &l->prepared, text,
             sizeof(text));
    if (e != TS_OK)
        return send_text(CONTROL_REJECTED, text);
    done.as.prepare.generation = m->as.prepare.generation;
    return control_send(FD_CONTROL, &done);
}

static ts_err on_commit(struct launcher *l, const struct control_message *m)
{
    if (l->prepared == NULL ||
        l->prepared->manifests->generation != m->as.prepare.generation)
        return TS_E_STATE;
    toolset_free(l->previous);
    l->previous = l->tools;
    l->tools = l->prepared;
    l->prepared = NULL;
    return TS_OK;
}

ts_err control_next(struct launcher *l)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;
    ts_err e = control_receive(FD_CONTROL, buf, &m);

    if (e != TS_OK)
        return e;
    if (m.type == CONTROL_PREPARE && m.journal_fd < 0)
        return on_prepare(l, &m); /* takes the bundle over */
    ts_fd_close(&m.bundle_fd);
    ts_fd_close(&m.journal_fd);
    switch (m.type) {
    case CONTROL_COMMIT:
        return on_commit(l, &m);
    case CONTROL_ABORT:
        toolset_free(l->prepared);
        l->prepared = NULL;
        return TS_OK;
    case CONTROL_DRAIN:
        l->draining = true;
        l->drain_ns = now_ns() + m.as.drain.grace_ms * 1000000u;
        return TS_OK;
    case CONTROL_START:
    case CONTROL_READY:
    case CONTROL_PREPARE:
    case CONTROL_PREPARED:
    case CONTROL_REJECTED:
    case CONTROL_STATUS:
    case CONTROL_FEED:
        break;
    }
    return TS_E_STATE;
}
