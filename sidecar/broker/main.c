/*
 * tipstaff-broker: the only process that speaks to the network, for tools whose
 * manifest allows it. It takes the allow-lists from its own copy of the
 * manifests, and is told by launchers which tools run. No files, no exec, no
 * sockets but those of IPv4 and IPv6.
 */
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>

#include "proto/base/ts_fd.h"
#include "sidecar/broker/ask.h"
#include "sidecar/broker/broker.h"
#include "sidecar/broker/control_in.h"
#include "sidecar/broker/privilege.h"
#include "sidecar/broker/proxy/proxy.h"
#include "sidecar/broker/proxy/setup.h"
#include "sidecar/broker/proxy/tls_up.h"
#include "sidecar/broker/resolve.h"
#include "sidecar/common/confine/confine.h"
#include "sidecar/common/dns_text.h"
#include "sidecar/common/fds.h"
#include "sidecar/common/log.h"

/* A terminal's ^C goes to the whole group; the supervisor alone acts on it. */
static void ignore_signals(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGINT, &ignore, NULL);
    (void)sigaction(SIGHUP, &ignore, NULL);
}

static void raise_limit(void)
{
    const rlim_t want = BROKER_CONN_FDS * BROKER_CONNS_MAX + BROKER_OTHER_FDS;
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max < want ? files.rlim_max : want;
    (void)setrlimit(RLIMIT_NOFILE,
                    &files); /* fewer connections fit otherwise */
}

/* Ours are dense, so the lowest free number is one more than the highest. */
static ts_err highest_fd(int *ret)
{
    int probe = fcntl(FD_CONTROL, F_DUPFD_CLOEXEC, 3);

    if (probe < 0)
        return TS_E_SYSTEM;
    *ret = probe - 1;
    ts_fd_close(&probe);
    return TS_OK;
}

static ts_err open_resolver(struct broker *b)
{
    char csv[DNS_CSV_MAX];
    ts_err e = dns_servers(b->settings.dns, b->settings.resolv, csv);

    if (e != TS_OK) {
        control_reject("tipstaff.yaml: no DNS server is known to the broker; "
                       "set egress.dns, or a nameserver in /etc/resolv.conf");
        return e;
    }
    return resolver_new(&b->loop, csv, &b->resolver);
}

/* For hosts with `tls:`; without one they are refused. */
static ts_err open_trust(struct broker *b)
{
    ts_err e = proxy_trust_load(&b->trust);

    if (e == TS_E_NOT_FOUND)
        log_event(LOG_WARN, "trust_store_missing hosts_with_tls=refused");
    return e == TS_E_NOT_FOUND ? TS_OK : e;
}

/* Everything up to the confinement; nothing of a stranger is read here. */
static ts_err set_up(struct broker *b, const char **reterr_step)
{
    int highest = -1;
    ts_err e;

    *reterr_step = "privileges";
    if ((e = privilege_drop()) != TS_OK)
        return e;
    *reterr_step = "loop";
    if ((e = broker_init(b)) != TS_OK)
        return e;
    *reterr_step = "DNS servers";
    if ((e = open_resolver(b)) != TS_OK)
        return e;
    own_init(&b->own);
    *reterr_step = "trust store";
    if ((e = open_trust(b)) != TS_OK)
        return e;
    *reterr_step = "descriptors";
    if ((e = highest_fd(&highest)) != TS_OK)
        return e;
    return confine_self(CONFINE_BROKER, highest, reterr_step);
}

static int run(struct broker *b)
{
    int bundle_fd = -1;
    const char *step = "start";
    ts_err e = privilege_take();

    if (e == TS_OK)
        e = control_take_start(b, &bundle_fd);
    if (e == TS_OK) { /* the secrets that it names are files */
        step = "load";
        e = control_load_first(b, bundle_fd);
        bundle_fd = -1; /* moved */
    }
    ts_fd_close(&bundle_fd);
    if (e == TS_OK)
        e = set_up(b, &step);
    if (e == TS_OK) {
        step = "serve";
        e = broker_start(b);
    }
    if (e == TS_OK)
        e = control_start_serving(b);
    if (e != TS_OK) {
        log_event(LOG_ERROR, "broker_not_started step=\"%s\" reason=\"%s\"",
                  step, ts_err_text(e));
        return 1;
    }
    (void)uv_run(&b->loop, UV_RUN_DEFAULT); /* until uv_stop() */
    return b->exit_code;
}

int main(void)
{
    static struct broker b; /* too large for the stack; passed down */
    int status;

    log_init("broker", LOG_INFO);
    ignore_signals();
    raise_limit();
    if (sodium_init() < 0) {
        log_event(LOG_ERROR, "libsodium_unusable");
        return 1;
    }
    b.modes[EGRESS_BROKER] = &ask_mode;
    b.modes[EGRESS_PROXY] = &proxy_mode;
    status = run(&b);
    if (status != 0)
        return status; /* nothing is tidied up: the set starts again */
    control_close(&b);
    broker_done(&b);
    tls_trust_free(b.trust);
    return 0;
}
