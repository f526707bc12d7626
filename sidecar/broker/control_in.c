#include "sidecar/broker/control_in.h"

#include <fcntl.h>
#include <stdio.h>

#include "sidecar/broker/broker.h"
#include "sidecar/broker/grants.h"
#include "sidecar/broker/proxy/setup.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/common/manifest/manifest.h"

void control_reject(const char *text)
{
    if (control_say(FD_CONTROL, CONTROL_REJECTED, text) != TS_OK)
        log_event(LOG_ERROR, "control_lost");
}

ts_err control_take_start(struct broker *b, int *ret_bundle)
{
    struct control_message m;
    ts_err e = control_receive_start(FD_CONTROL, 1, b->settings_bytes, &m);

    if (e != TS_OK)
        return e;
    b->settings = m.as.start; /* its texts lie in settings_bytes */
    *ret_bundle = m.bundle_fd;
    return TS_OK;
}

/* Those that the proxy adds to requests. *io is let go of on failure. */
static ts_err load_secrets(const struct broker *b, struct policy **io,
                           char *text, size_t cap)
{
    ts_err e = proxy_secrets_load(
        (*io)->manifests, b->current != NULL ? b->current->secrets : NULL,
        &(*io)->secrets, text, cap);

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
                   struct policy **ret, char *text, size_t cap)
{
    const struct manifest_facts facts = manifest_facts_of(&b->settings);
    struct manifests *m = NULL;
    ts_err e = manifests_read(fd, &facts, generation, &m, text, cap);

    if (e == TS_OK && (e = policy_new(m, ret)) != TS_OK) {
        manifests_free(m);
        (void)snprintf(text, cap, "bundle:1: %s", ts_err_text(e));
    }
    return e == TS_OK ? load_secrets(b, ret, text, cap) : e;
}

ts_err control_load_first(struct broker *b, int bundle_fd)
{
    char text[512] = "";
    ts_err e = load(b, bundle_fd, b->settings.generation, &b->current, text,
                    sizeof(text));

    if (e != TS_OK) {
        log_event(LOG_ERROR, "manifests_refused %s", text);
        control_reject(text);
    }
    return e;
}

static void on_abort(void *self)
{
    struct broker *b = self;

    policy_release(b->prepared);
    b->prepared = NULL;
}

static ts_err on_prepare(void *self, int bundle_fd, uint64_t generation,
                         char *text, size_t cap)
{
    struct broker *b = self;
    ts_err e;

    on_abort(b);
    e = load(b, bundle_fd, generation, &b->prepared, text, cap);
    if (e == TS_OK)
        text[0] = '\0'; /* of secrets: said in the log */
    return e;
}

static ts_err on_commit(void *self)
{
    struct broker *b = self;

    policy_release(b->previous);
    b->previous = b->current;
    b->current = b->prepared;
    b->prepared = NULL;
    return TS_OK;
}

/* The tools are gone by now, and the gate before them. */
static ts_err on_drain(void *self, uint64_t grace_ms)
{
    struct broker *b = self;

    (void)grace_ms;
    b->draining = true;
    grants_end_all(b, END_SHUTDOWN);
    uv_stop(&b->loop);
    return TS_OK;
}

static void on_control(uv_poll_t *p, int status, int events)
{
    struct broker *b = p->data;
    ts_err e = status < 0 ? TS_E_CLOSED : control_hear(&b->control);

    (void)events;
    if (e != TS_OK && e != TS_E_AGAIN)
        broker_fail(b, e == TS_E_CLOSED ? "the supervisor went away"
                                        : "the supervisor broke the protocol");
}

ts_err control_start_serving(struct broker *b)
{
    static const struct control_part part = {.prepare = on_prepare,
                                             .commit = on_commit,
                                             .abort = on_abort,
                                             .drain = on_drain};
    int flags = fcntl(FD_CONTROL, F_GETFL);

    if (flags < 0 || fcntl(FD_CONTROL, F_SETFL, flags | O_NONBLOCK) != 0 ||
        uv_poll_init(&b->loop, &b->control_poll, FD_CONTROL) != 0)
        return TS_E_SYSTEM;
    b->control =
        (struct control_ear){.sock = FD_CONTROL, .part = &part, .self = b};
    b->control_poll.data = b;
    if (uv_poll_start(&b->control_poll, UV_READABLE, on_control) != 0)
        return TS_E_SYSTEM;
    return control_say(FD_CONTROL, CONTROL_READY, "");
}

void control_close(struct broker *b)
{
    uv_close((uv_handle_t *)&b->control_poll, NULL);
}
