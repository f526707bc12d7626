#include "tests/lib/fault_trace.h"

#include <execinfo.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES    64
#define SEEN      16384U /* a power of two, and more than a program has callers */
#define TEXT_MAX  ((size_t)1 << 18)
#define LINE_ROOM 20

/* The file, mapped: a confined program writes no file, and counts what it has
 * open. What is behind the text is zeros. */
struct trace {
    uint64_t len;
    char text[TEXT_MAX - sizeof(uint64_t)];
};

extern const char __executable_start, etext; /* of the linker */

static struct trace *trace;
static uintptr_t seen[SEEN];

static bool begin(const char *dir, const char *self)
{
    char path[512];
    int fd, n;
    void *p = MAP_FAILED;

    n = snprintf(path, sizeof(path), "%s/%d-XXXXXX", dir, (int)getpid());
    fd = n > 0 && (size_t)n < sizeof(path) ? mkostemp(path, O_CLOEXEC) : -1;
    if (fd < 0)
        return false;
    if (ftruncate(fd, sizeof(*trace)) == 0)
        p = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                 0);
    (void)close(fd);
    if (p == MAP_FAILED)
        return false;
    trace = p;
    n = snprintf(trace->text, sizeof(trace->text), "%s\n", self);
    trace->len = n > 0 ? (uint64_t)n : 0;
    return true;
}

void fault_trace_open(void)
{
    const char *dir = getenv("TS_FAULT_TRACE");
    char self[256];
    void *warm[1];
    ssize_t n;

    if (dir == NULL || trace != NULL)
        return;
    n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0)
        return;
    self[n] = '\0';
    if (begin(dir, self))
        (void)backtrace(warm, 1); /* loads what it needs while it still may */
}

static bool is_new(uintptr_t at)
{
    for (uintptr_t i = at; i < at + SEEN; i++) {
        if (seen[i % SEEN] == at)
            return false;
        if (seen[i % SEEN] == 0) {
            seen[i % SEEN] = at;
            return true;
        }
    }
    return false;
}

void fault_trace_note(void)
{
    const uintptr_t start = (uintptr_t)&__executable_start;
    void *frames[FRAMES];
    int n;

    if (trace == NULL)
        return;
    n = backtrace(frames, FRAMES);
    for (int i = 0; i < n; i++) {
        uintptr_t at = (uintptr_t)frames[i];
        int len;

        if (at < start || at >= (uintptr_t)&etext || !is_new(at))
            continue;
        if (trace->len + LINE_ROOM > sizeof(trace->text))
            return;
        len = snprintf(trace->text + trace->len, LINE_ROOM, "%" PRIxPTR "\n",
                       at - start);
        trace->len += len > 0 ? (uint64_t)len : 0;
    }
}
