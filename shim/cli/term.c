#include "shim/cli/term.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_str.h"
#include "proto/wire/limits.h"

/* poll() promises this much room in a pipe, so such a write never blocks. */
#define PIECE ((size_t)4096)

ts_err term_init(struct term *t)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    *t = (struct term){.sig_fd = -1};
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGTERM);
    if (sigaction(SIGPIPE, &ignore, NULL) != 0 ||
        sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return TS_E_SYSTEM;
    t->sig_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return t->sig_fd < 0 ? TS_E_SYSTEM : TS_OK;
}

void term_done(struct term *t)
{
    ts_fd_close(&t->sig_fd);
}

bool term_take_signal(struct term *t)
{
    struct signalfd_siginfo info;

    if (read(t->sig_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return false;
    if (t->signal == 0)
        t->signal = (int)info.ssi_signo;
    return true;
}

void term_write(struct term *t, int fd, const void *p, size_t len)
{
    const uint8_t *at = p;

    while (len > 0 && !t->broken && t->signal == 0) {
        struct pollfd fds[2] = {{.fd = fd, .events = POLLOUT},
                                {.fd = t->sig_fd, .events = POLLIN}};
        ssize_t n;

        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            t->broken = true;
        if (fds[1].revents != 0 && term_take_signal(t))
            return;
        if (fds[0].revents == 0)
            continue;
        n = write(fd, at, len < PIECE ? len : PIECE);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (n < 0 && errno != EINTR && errno != EAGAIN) {
            t->broken = true;
        }
    }
}

void term_say(const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap); /* cut is fine */
    va_end(ap);
    (void)fprintf(stderr, "%s\n", line);
}

static void put_escaped(const char *before, const char *p, size_t len)
{
    char safe[4 * TS_MESSAGE_TEXT_MAX + 1];

    (void)ts_str_show(safe, sizeof(safe), p, len); /* cut is fine */
    (void)fprintf(stderr, "%s%s\n", before, safe);
}

/* Whether text says itself what head says after its first word. */
static bool is_complete(struct tipstaff_str text, const char *head)
{
    const char *rest = strchr(head, ' ');
    size_t word = 0, len = strlen(rest);

    while (word < text.len && text.ptr[word] >= 'A' && text.ptr[word] <= 'Z')
        word++;
    return word > 0 && text.len - word >= len &&
           memcmp(text.ptr + word, rest, len) == 0;
}

void term_verdict(const char *word, struct tipstaff_str code,
                  const uint8_t *decision_id, struct tipstaff_str text)
{
    char id[33] = "", safe_code[4 * TS_CODE_MAX + 1], head[400];
    const char *before = head, *nl;

    if (decision_id != NULL)
        ts_hex_encode(id, decision_id, 16);
    (void)ts_str_show(safe_code, sizeof(safe_code), code.ptr, code.len);
    (void)snprintf(head, sizeof(head), "%s [%s]%s%s: ", word, safe_code,
                   decision_id != NULL ? " decision " : "", id);
    if (is_complete(text, head))
        before = "";
    while ((nl = text.len > 0 ? memchr(text.ptr, '\n', text.len) : NULL) !=
           NULL) {
        put_escaped(before, text.ptr, (size_t)(nl - text.ptr));
        text.len -= (size_t)(nl - text.ptr) + 1;
        text.ptr = nl + 1;
        before = "";
    }
    put_escaped(before, text.ptr, text.len);
}

int term_failed(enum tipstaff_status s, const char *message)
{
    switch (s) {
    case TIPSTAFF_USAGE:
    case TIPSTAFF_LIMIT:
        term_say("tipstaff-shim: %s", message);
        return TIPSTAFF_EXIT_USAGE;
    case TIPSTAFF_OK:
    case TIPSTAFF_AGAIN:
    case TIPSTAFF_UNAVAILABLE:
    case TIPSTAFF_LOST:
    case TIPSTAFF_NOMEM:
        break;
    }
    term_say("UNAVAILABLE: %s", message);
    return TIPSTAFF_EXIT_UNAVAILABLE;
}
