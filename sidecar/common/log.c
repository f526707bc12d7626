/* The service log: one line, one write. No locale, no time zone, no file. */
#include "sidecar/common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define LINE_MAX_BYTES 2048

/* Set once by main, read ever after (style 5.12). */
static struct {
    const char *name;
    enum log_level most;
} sink = {.name = "tipstaff", .most = LOG_INFO};

void log_init(const char *name, enum log_level most)
{
    sink.name = name;
    sink.most = most;
}

void log_event(enum log_level level, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char line[LINE_MAX_BYTES];
    size_t len;
    va_list ap;
    int n;

    if (level > sink.most)
        return;
    n = snprintf(line, sizeof(line), "%s %s ", names[level], sink.name);
    if (n < 0 || (size_t)n >= sizeof(line))
        return;
    len = (size_t)n;
    va_start(ap, fmt);
    n = vsnprintf(line + len, sizeof(line) - len, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    len += (size_t)n;
    if (len > sizeof(line) - 1)
        len = sizeof(line) - 1;
    for (size_t i = 0; i < len;
         i++) { /* one event, one line, whatever it says */
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
    }
    line[len++] = '\n'; /* takes the place of the NUL */
    /* One write, so that lines of different processes do not mix. Nothing can
     * be done when stderr is gone. */
    if (write(STDERR_FILENO, line, len) < 0)
        return;
}
