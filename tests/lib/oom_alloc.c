/* In a real program: its allocations fail as the test's page says. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/base/ts_mem.h"
#include "tests/lib/fault_trace.h"
#include "tests/lib/oom_page.h"

static struct oom_page *page;

static void *page_alloc(void *ctx, size_t n)
{
    void *p;

    (void)ctx;
    page->made++;
    if (page->left == 0) {
        page->fired = true;
        fault_trace_note();
        if (!page->all)
            page->left = -1;
        return NULL;
    }
    if (page->left > 0)
        page->left--;
    p = calloc(1, n);
    page->live += p != NULL;
    return p;
}

static void page_free(void *ctx, void *p)
{
    (void)ctx;
    page->live--;
    free(p);
}

__attribute__((constructor)) static void map_page(void)
{
    static const struct ts_mem_ops ops = {page_alloc, page_free, NULL};
    const char *path = getenv(OOM_ENV);
    void *p;
    int fd;

    if (path == NULL)
        return; /* the launcher's canary */
    fault_trace_open();
    fd = open(path, O_RDWR | O_CLOEXEC);
    p = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || p == MAP_FAILED)
        _exit(99);
    (void)close(fd);
    page = p;
    ts_mem_set_ops(&ops);
}
