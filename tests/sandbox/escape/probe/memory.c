/* Code that nobody loaded: memory that is written, then run. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096

#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static struct result map_anonymous(const struct probe *p)
{
    void *at = mmap(NULL, PAGE, (int)p->nr, ANON, -1, 0);

    return at != MAP_FAILED ? allowed() : stopped(errno);
}

static struct result then_protect(const struct probe *p)
{
    void *at = mmap(NULL, PAGE, (int)p->arg[0], ANON, -1, 0);

    if (at == MAP_FAILED)
        return stopped(errno);
    if ((p->arg[0] & PROT_WRITE) != 0)
        *(volatile char *)at = (char)0xc3;
    if (p->arg[1] != 0)
        return by(syscall(SYS_pkey_mprotect, at, PAGE, p->nr, -1));
    return by(mprotect(at, PAGE, (int)p->nr));
}

/* The same file once to write and once to run. */
static struct result two_views(const struct probe *p)
{
    const char *path = scratch("views");
    void *write_view, *run_view;
    int fd;

    if (p->nr != 0) {
        fd = memfd_create("escape", MFD_CLOEXEC);
    } else {
        (void)unlink(path);
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
    }
    if (fd < 0 || ftruncate(fd, PAGE) != 0)
        return stopped(errno);
    write_view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (write_view == MAP_FAILED)
        return stopped(errno);
    run_view = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    return run_view != MAP_FAILED ? allowed() : stopped(errno);
}

static struct result map_written(const struct probe *p)
{
    const char *path = scratch("mapped");
    char page[PAGE] = {(char)0xc3};
    void *at;
    int fd;

    (void)p;
    (void)unlink(path);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0700);
    if (fd < 0 || write(fd, page, sizeof(page)) < 0)
        return stopped(errno);
    at = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    return at != MAP_FAILED ? allowed() : stopped(errno);
}

/* /proc/self/mem writes through a read-only mapping. */
static struct result self_mem(const struct probe *p)
{
    static const char constant[] = "constant";
    int fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

    (void)p;
    if (fd < 0)
        return stopped(errno);
    return by(pwrite(fd, "C", 1, (off_t)(uintptr_t)constant));
}

static struct result null_page(const struct probe *p)
{
    void *at =
        mmap(NULL, PAGE, PROT_READ | PROT_WRITE, ANON | MAP_FIXED, -1, 0);

    (void)p;
    return at == MAP_FAILED ? stopped(errno) : allowed();
}

static struct result no_mdwe(const struct probe *p)
{
    (void)p;
    /* PR_GET_MDWE */
    return prctl(66, 0, 0, 0, 0) > 0 ? stopped(0) : allowed();
}

static const struct probe probes[] = {
    {"memory.rwx",
     "map memory to write and run",
     map_anonymous,
     "",
     PROT_READ | PROT_WRITE | PROT_EXEC,
     {0}},
    {"memory.write_then_run",
     "write, then mprotect to run",
     then_protect,
     "",
     PROT_READ | PROT_EXEC,
     {PROT_READ | PROT_WRITE}},
    {"memory.run_then_write",
     "run, then mprotect to write",
     then_protect,
     "",
     PROT_READ | PROT_WRITE | PROT_EXEC,
     {PROT_READ | PROT_EXEC}},
    {"memory.pkey",
     "the same by pkey_mprotect",
     then_protect,
     "",
     PROT_READ | PROT_EXEC,
     {PROT_READ | PROT_WRITE, 1}},
    {"memory.two_views",
     "one file, a view to write and one to run",
     two_views,
     "",
     0,
     {0}},
    {"memory.two_views_memfd", "the same with a memfd", two_views, "", 1, {0}},
    {"memory.written_file",
     "map a file that it wrote, to run",
     map_written,
     "",
     0,
     {0}},
    {"memory.self_mem",
     "write read-only memory by /proc/self/mem",
     self_mem,
     "",
     0,
     {0}},
    {"memory.null_page", "map address 0", null_page, "", 0, {0}},
    {"memory.no_mdwe", "PR_SET_MDWE is not in force", no_mdwe, "", 0, {0}},
};

const struct area area_memory = {probes, sizeof(probes) / sizeof(probes[0])};
