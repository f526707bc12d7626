#include "sidecar/common/control/hear.h"

#include "proto/base/ts_fd.h"

ts_err control_receive_start(int sock, uint32_t fds,
                             uint8_t buf[CONTROL_MESSAGE_MAX],
                             struct control_message *ret)
{
    struct control_message m;
    ts_err e = control_receive(sock, buf, &m);

    if (e != TS_OK)
        return e;
    if (m.type != CONTROL_START || (m.bundle_fd >= 0) != (fds > 0) ||
        (m.journal_fd >= 0 && fds < 2)) {
        ts_fd_close(&m.bundle_fd);
        ts_fd_close(&m.journal_fd);
        return TS_E_STATE;
    }
    *ret = m;
    return TS_OK;
}

ts_err control_say(int sock, enum control_type type, const char *text)
{
    const struct control_message m = {.type = type,
                                      .bundle_fd = -1,
                                      .journal_fd = -1,
                                      .as.text.text = ts_str_of(text)};

    return control_send(sock, &m);
}

static ts_err on_prepare(struct control_ear *ear, int bundle_fd,
                         uint64_t generation)
{
    struct control_message done = {
        .type = CONTROL_PREPARED, .bundle_fd = -1, .journal_fd = -1};
    char text[CONTROL_PART_TEXT] = "";

    ear->is_prepared = ear->part->prepare(ear->self, bundle_fd, generation,
                                          text, sizeof(text)) == TS_OK;
    if (!ear->is_prepared)
        return control_say(ear->sock, CONTROL_REJECTED, text);
    ear->generation = generation;
    done.as.prepared.generation = generation;
    done.as.prepared.text = ts_str_of(text);
    return control_send(ear->sock, &done);
}

static ts_err on_commit(struct control_ear *ear, uint64_t generation)
{
    if (!ear->is_prepared || ear->generation != generation)
        return TS_E_STATE;
    ear->is_prepared = false;
    return ear->part->commit(ear->self);
}

ts_err control_hear(struct control_ear *ear)
{
    uint8_t buf[CONTROL_MESSAGE_MAX];
    struct control_message m;
    ts_err e = control_receive(ear->sock, buf, &m);

    if (e != TS_OK)
        return e;
    if (m.type == CONTROL_PREPARE) /* which comes with its bundle alone */
        return on_prepare(ear, m.bundle_fd, m.as.prepare.generation);
    ts_fd_close(&m.bundle_fd);
    ts_fd_close(&m.journal_fd);
    switch (m.type) {
    case CONTROL_COMMIT:
        return on_commit(ear, m.as.prepare.generation);
    case CONTROL_ABORT:
        ear->is_prepared = false;
        ear->part->abort(ear->self);
        return TS_OK;
    case CONTROL_DRAIN:
        return ear->part->drain(ear->self, m.as.drain.grace_ms);
    case CONTROL_START:
    case CONTROL_READY:
    case CONTROL_PREPARE:
    case CONTROL_PREPARED:
    case CONTROL_REJECTED:
    case CONTROL_STATUS:
    case CONTROL_FEED:
    case CONTROL_HOOK:
    case CONTROL_WATCHER:
        break;
    }
    return TS_E_STATE;
}
