/*
 * tipstaff-gate: verifies, decides, and hands records and orders to the
 * recorder. Started by the supervisor with the descriptors of
 * sidecar/common/fds.h. It has no other power: no files, no network, no exec;
 * the confinement is on before the first byte of a stranger is read.
 *
 * Order: settings and key, loop, confinement, then everything that is parsed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/confine/confine.h"
#include "sidecar/common/control/hear.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"
#include "sidecar/gate/gate.h"
#include "sidecar/gate/gate_uv.h"
#include "sidecar/gate/people/snapshot.h"
#include "sidecar/gate/revocation/journal_in.h"
#include "sidecar/gate/wire/control_uv.h"

/* A terminal's ^C goes to the whole group; the supervisor alone acts on it. */
static void ignore_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGHUP, &ignore, NULL);
}

static ts_err receive_start(struct gate *g, int *ret_bundle, int *ret_journal)
{
    struct control_message m;
    ts_err e;

    for (;;) {
        struct pollfd p = {.fd = FD_CONTROL, .events = POLLIN};

        e = control_receive_start(FD_CONTROL, 2, g->settings_bytes, &m);
        if (e != TS_E_AGAIN)
            break;
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            return TS_E_SYSTEM;
    }
    if (e != TS_OK)
        return e;
    g->settings = m.as.start; /* its texts lie in settings_bytes */
    *ret_bundle = m.bundle_fd;
    *ret_journal = m.journal_fd;
    return TS_OK;
}

/* Received descriptors take the lowest free numbers: if they are not the next
 * ones, something was inherited that should not be here. */
static bool descriptors_are_ours(const struct gate *g, int bundle_fd)
{
    return g->settings.launchers >= 1 &&
           g->settings.launchers <= TS_LAUNCHERS_MAX &&
           bundle_fd == GATE_FD_LAUNCHER + (int)g->settings.launchers;
}

static ts_err read_seed(struct trust_secret *ret)
{
    uint8_t seed[TRUST_SEED_LEN];
    size_t have = 0;
    ts_err e = ts_fd_read_all(GATE_FD_KEY, seed, sizeof(seed), &have);

    if (e == TS_OK)
        e = have == sizeof(seed) ? trust_secret_from_seed(seed, ret)
                                 : TS_E_TRUNCATED;
    sodium_memzero(seed, sizeof(seed));
    return e;
}

/* One seed or two, as START says, and then the end. */
static ts_err read_keys(struct gate *g)
{
    int fd = GATE_FD_KEY;
    uint8_t more = 0;
    size_t n = 0;
    ts_err e = read_seed(&g->key);

    if (e == TS_OK && g->settings.has_token_key)
        e = read_seed(&g->token_key);
    if (e == TS_OK && (e = ts_fd_read_all(fd, &more, 1, &n)) == TS_OK && n > 0)
        e = TS_E_FORMAT;
    sodium_memzero(&more, sizeof(more));
    ts_fd_close(&fd);
    return e;
}

static ts_err open_ring(struct gate *g)
{
    int memfd = GATE_FD_RING;
    ts_err e = ring_writer_open(memfd, GATE_FD_WAKE, &g->ring);

    ts_fd_close(&memfd);
    return e;
}

/* Ours are dense up to the loop's, so the lowest free number is one more than
 * the highest; anything above it is a stray and refused by confine_self(). */
static ts_err highest_fd(int *ret)
{
    int probe = fcntl(FD_CONTROL, F_DUPFD_CLOEXEC, 3);

    if (probe < 0)
        return TS_E_SYSTEM;
    *ret = probe - 1;
    ts_fd_close(&probe);
    return TS_OK;
}

static ts_err load_journal(struct gate *g, int journal_fd)
{
    uint64_t from_ns = gate_boot_ns();
    const char *what = "";
    ts_err e = journal_fd >= 0 ? journal_in(g, journal_fd, &what) : TS_OK;

    if (e != TS_OK) {
        log_event(LOG_ERROR, "journal_refused reason=\"%s\"", what);
        control_reject("the journal holds what this gate cannot read (the "
                       "line journal_refused says what): start the version "
                       "that wrote it; or move the files of state_dir aside, "
                       "start once with tipstaffd --init-state, and revoke "
                       "again");
        return e;
    }
    g->replayed.took_us = (gate_boot_ns() - from_ns) / 1000;
    log_event(LOG_INFO, "journal_replayed revocations=%llu took_us=%llu",
              (unsigned long long)g->replayed.revocations,
              (unsigned long long)g->replayed.took_us);
    gate_clock_start(g);
    return TS_OK;
}

static ts_err load(struct gate *g, int bundle_fd, int journal_fd)
{
    char text[CONTROL_TEXT_MAX] = "the bundle cannot be read";
    struct bundle b;
    ts_err e = load_journal(g, journal_fd);

    if (e != TS_OK)
        return e;
    e = bundle_open(bundle_fd, &b);
    if (e == TS_OK) {
        const struct snapshot_past past = {.states = &g->states,
                                           .now_s = gate_now(g).real_ms / 1000,
                                           .strict = g->settings.check_only};

        e = snapshot_load_past(&b, &g->settings, g->settings.generation, &past,
                               &g->snapshot, text, sizeof(text));
        bundle_done(&b);
    }
    if (e != TS_OK) {
        log_event(LOG_ERROR, "configuration_refused text=\"%s\"", text);
        control_reject(text);
        return e;
    }
    gate_log_notes(g);
    return TS_OK;
}

/* Everything up to the confinement; nothing of a stranger is read here. */
static ts_err set_up(struct gate *g, int bundle_fd, const char **reterr_step)
{
    int highest = -1;
    ts_err e;

    *reterr_step = "descriptors";
    if (!descriptors_are_ours(g, bundle_fd))
        return TS_E_STATE;
    *reterr_step = "loop"; /* before key and ring are closed: see highest_fd */
    if ((e = gate_loop_init(g)) != TS_OK || (e = highest_fd(&highest)) != TS_OK)
        return e;
    *reterr_step = "key";
    if ((e = read_keys(g)) != TS_OK)
        return e;
    *reterr_step = "ring";
    if ((e = open_ring(g)) != TS_OK)
        return e;
    *reterr_step = "peers";
    e = peers_init(&g->peers, g->settings.handshake_rate,
                   g->settings.handshake_burst);
    if (e != TS_OK)
        return e;
    return confine_self(CONFINE_GATE, highest, reterr_step);
}

static int run(struct gate *g)
{
    int bundle_fd = -1, journal_fd = -1;
    const char *step = "start";
    ts_err e = receive_start(g, &bundle_fd, &journal_fd);

    if (e == TS_OK)
        e = set_up(g, bundle_fd, &step);
    if (e == TS_OK) {
        step = "load";
        e = load(g, bundle_fd, journal_fd);
    }
    ts_fd_close(&bundle_fd);
    ts_fd_close(&journal_fd);
    if (e == TS_OK) {
        step = "serve";
        e = gate_serve(g);
    }
    if (e != TS_OK) {
        log_event(LOG_ERROR, "gate_not_started step=\"%s\" reason=\"%s\"", step,
                  ts_err_text(e));
        return 1;
    }
    return g->exit_code;
}

int main(void)
{
    struct gate *g = NULL;
    int status;

    log_init("gate", LOG_INFO);
    ignore_signals();
    if (trust_init() != TS_OK) {
        log_event(LOG_ERROR, "libsodium_unusable");
        return 1;
    }
    if (gate_new(&g) != TS_OK) {
        log_event(LOG_ERROR, "out_of_memory");
        return 1;
    }
    status = run(g);
    if (status != 0)
        return status; /* nothing is tidied up: the set starts again */
    gate_close(g);
    ring_writer_done(&g->ring);
    gate_free(g);
    return 0;
}
