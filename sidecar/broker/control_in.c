#include "sidecar/broker/control_in.h"

#include <fcntl.h>
#include <stdio.h>

#include "proto/base/ts_fd.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/proxy/setup.h"
#include "sidecar/common/bundle.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/common/manifest.h"

#define TEXT_MAX 512

static ts_err send_text(enum control_type type, const char *text)
{
    const struct control_message m = {.type = type,
                                      .bundle_fd = -1,
                                      .journal_fd = -1,
                                      .as.text.text = ts_str_of(text)};

    return control_send(FD_CONTROL, &m);
}

void control_reject(const char *text)
{
    if (send_text(CONTROL_REJECTED, text) != TS_OK)
        log_event(LOG_ERROR, "control_lost");
}

ts_err control_take_start(struct broker *b, int *ret_bundle)
{
    struct control_message m;
    ts_err e = control_receive(FD_CONTROL, b->settings_bytes, &m);

    if (e != TS_OK)
        return e;
    ts_fd_close(&m.journal_fd);
    if (m.type != CONTROL_START || m.bundle_fd < 0 ||
        m.as.start.launchers > TS_LAUNCHERS_MAX) {
        ts_fd_close(&m.bundle_fd);
        return TS_E_STATE;
    }
    b->settings = m.as.start; /* its texts lie in settings_bytes */
    *ret_bundle = m.bundle_fd;
    return TS_OK;
}

/* Those that the proxy adds to requests. *io is let go of on failure. */
static ts_err load_secrets(const struct broker *b, struct policy **io,
                           char text[TEXT_MAX])
{
    ts_err e = proxy_secrets_load(
        (*io)->manifests, b->current != NULL ? b->current->secrets : NULL,
        &(*io)->secrets, text, TEXT_MAX);

    if (e != TS_OK) {
        policy_release(*io);
        *io = NULL;
    } else if (text[0] != '\0') {
        log_event(LOG_ERROR, "secret_refused %s", text);
    }
    return e;
}

/* Takes fd over. */
static ts_err load(const struct broker *b, int fd, uint64_t generation,
                   struct policy **ret, char text[TEXT_MAX])
{
    const struct manifest_facts facts = manifest_facts_of(&b->settings);
    struct manifests *m = NULL;
    struct bundle bundle = {0};
    ts_err e = bundle_open(fd, &bundle);

    ts_fd_close(&fd);
    if (e == TS_OK) {
        e = manifests_load(&bundle, &facts, generation, &m, text, TEXT_MAX);
        bundle_done(&bundle);
    } else {
        (void)snprintf(text, TEXT_MAX, "bundle:1: %s", ts_err_text(e));
    }
    if (e == TS_OK && (e = policy_new(m, ret)) != TS_OK) {
        manifests_free(m);
        (void)snprintf(text, TEXT_MAX, "bundle:1: %s", ts_err_text(e));
    }
    return e == TS_OK ? load_secrets(b, ret, text) : e;
}

ts_err control_load_first(struct broker *b, int bundle_fd)
{
    char text[TEXT_MAX] = "";
    ts_err e = load(b, bundle_fd, b->settings.generation, &b->current, text);

    if (e != TS_OK) {
        log_event(LOG_ERROR, "manifests_refused %s", text);
        control_reject(text);
    }
    return e;
}

static ts_err on_prepare(struct broker *b, const struct control_message *m)
{
    struct control_message done = {
        .type = CONTROL_PREPARED, .bundle_fd = -1, .journal_fd = -1};
    char text[TEXT_MAX] = "";

    if (m->bundle_fd < 0)
        return TS_E_FORMAT;
    policy_release(b->prepared);
    b->prepared = NULL;
    if (load(b, m->bundle_fd, m->as.prepare.generation, &b->prepared, text) !=
        TS_OK)
        return send_text(CONTROL_REJECTED, text);
    done.as.prepared.generation = m->as.prepare.generation;
    return control_send(FD_CONTROL, &done);
}

static ts_err on_commit(struct broker *b, const struct control_message *m)
{
    if (b->prepared == NULL ||
        b->prepared->manifests->generation != m->as.prepare.generation)
        return TS_E_STATE;
    policy_release(b->previous);
    b->previous = b->current;
    b->current = b->prepared;
    b->prepared = NULL;
    return TS_OK;
}

/* The tools are gone by now, and the gate before them. */
static ts_err on_drain(struct broker *b)
{
    b->draining = true;
    grants_end_all(b, END_SHUTDOWN);
    uv_stop(&b->loop);
    return TS_OK;
}

static ts_err hear(struct broker *b)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;
    ts_err e = control_receive(FD_CONTROL, buf, &m);

    if (e != TS_OK)
        return e;
    if (m.type == CONTROL_PREPARE && m.journal_fd < 0)
        return on_prepare(b, &m); /* takes the bundle over */
    ts_fd_close(&m.bundle_fd);
    ts_fd_close(&m.journal_fd);
    switch (m.type) {
    case CONTROL_COMMIT:
        return on_commit(b, &m);
    case CONTROL_ABORT:
        policy_release(b->prepared);
        b->prepared = NULL;
        return TS_OK;
    case CONTROL_DRAIN:
        return on_drain(b);
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

static void on_control(uv_poll_t *p, int status, int events)
{
    struct broker *b = p->data;
    ts_err e = status < 0 ? TS_E_CLOSED : hear(b);

    (void)events;
    if (e != TS_OK && e != TS_E_AGAIN)
        broker_fail(b, e == TS_E_CLOSED ? "the supervisor went away"
                                        : "the supervisor broke the protocol");
}

ts_err control_start_serving(struct broker *b)
{
    int flags = fcntl(FD_CONTROL, F_GETFL);

    if (flags < 0 || fcntl(FD_CONTROL, F_SETFL, flags | O_NONBLOCK) != 0 ||
        uv_poll_init(&b->loop, &b->control_poll, FD_CONTROL) != 0)
        return TS_E_SYSTEM;
    b->control_poll.data = b;
    if (uv_poll_start(&b->control_poll, UV_READABLE, on_control) != 0)
        return TS_E_SYSTEM;
    return send_text(CONTROL_READY, "");
}

void control_close(struct broker *b)
{
    uv_close((uv_handle_t *)&b->control_poll, NULL);
}
