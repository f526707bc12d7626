#include "sidecar/launcher/layers/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/ts_fd.h"
#include "proto/base/ts_mem.h"
#include "sidecar/launcher/layers/filter_lists.h"

#define EPERM_ACTION  SCMP_ACT_ERRNO(EPERM)
#define EACCES_ACTION SCMP_ACT_ERRNO(EACCES)
#define CLONE_NEW_ANY 0x7e020080u /* every CLONE_NEW* flag */
#define CLONE_THREAD_ 0x00010000u
#define TMPFILE_BIT   020000000u /* __O_TMPFILE, without O_DIRECTORY */
#define CREATING      ((uint64_t)O_CREAT | TMPFILE_BIT)
#define SOCK_KIND     0xfu
#define VMA_OPTION    0x53564d41u /* PR_SET_VMA: names a mapping */

struct maker {
    scmp_filter_ctx ctx;
    int rc; /* first failure, negative errno */
};

/* One rule; a call that this architecture does not have needs none. */
static void rule(struct maker *f, uint32_t action, const char *name,
                 unsigned count, const struct scmp_arg_cmp *args)
{
    int nr = seccomp_syscall_resolve_name(name);

    if (nr < 0 || f->rc < 0)
        return;
    f->rc = seccomp_rule_add_array(f->ctx, action, nr, count, args);
}

static void rule_all(struct maker *f, uint32_t action, const char *const *names)
{
    for (; *names != NULL; names++)
        rule(f, action, *names, 0, NULL);
}

static void rule1(struct maker *f, uint32_t action, const char *name,
                  struct scmp_arg_cmp a)
{
    rule(f, action, name, 1, &a);
}

static void rule2(struct maker *f, uint32_t action, const char *name,
                  struct scmp_arg_cmp a, struct scmp_arg_cmp b)
{
    const struct scmp_arg_cmp args[2] = {a, b};

    rule(f, action, name, 2, args);
}

static struct scmp_arg_cmp eq(unsigned arg, uint64_t v)
{
    return (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_EQ, .datum_a = v};
}

static struct scmp_arg_cmp ne(unsigned arg, uint64_t v)
{
    return (struct scmp_arg_cmp){.arg = arg, .op = SCMP_CMP_NE, .datum_a = v};
}

/* The kernel reads 32 bits of these arguments; whatever stands above them is
 * not compared (CVE-2019-7303). */
static struct scmp_arg_cmp eq32(unsigned arg, uint32_t v)
{
    return (struct scmp_arg_cmp){.arg = arg,
                                 .op = SCMP_CMP_MASKED_EQ,
                                 .datum_a = UINT32_MAX,
                                 .datum_b = v};
}

static struct scmp_arg_cmp bits(unsigned arg, uint64_t mask, uint64_t v)
{
    return (struct scmp_arg_cmp){
        .arg = arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = v};
}

/* A mode with neither set-id bit passes; with one of them it is refused. */
static void rule_mode(struct maker *f, const char *name, unsigned arg)
{
    rule1(f, SCMP_ACT_ALLOW, name, bits(arg, S_ISUID | S_ISGID, 0));
    rule1(f, EPERM_ACTION, name, bits(arg, S_ISUID, S_ISUID));
    rule1(f, EPERM_ACTION, name, bits(arg, S_ISGID, S_ISGID));
}

/* open(2): the mode counts only where the flags create something. */
static void rule_open(struct maker *f, const char *name, unsigned flags)
{
    static const uint64_t makers[2] = {O_CREAT, TMPFILE_BIT};
    static const uint64_t ids[2] = {S_ISUID, S_ISGID};

    rule1(f, SCMP_ACT_ALLOW, name, bits(flags, CREATING, 0));
    rule1(f, SCMP_ACT_ALLOW, name, bits(flags + 1, S_ISUID | S_ISGID, 0));
    for (int i = 0; i < 4; i++)
        rule2(f, EPERM_ACTION, name, bits(flags, makers[i & 1], makers[i & 1]),
              bits(flags + 1, ids[i >> 1], ids[i >> 1]));
}

static void rule_mknod(struct maker *f, const char *name, unsigned mode)
{
    static const uint64_t plain[3] = {0, S_IFREG, S_IFIFO};
    static const uint64_t devices[3] = {S_IFCHR, S_IFBLK, S_IFSOCK};

    for (int i = 0; i < 3; i++) {
        rule1(f, SCMP_ACT_ALLOW, name,
              bits(mode, S_IFMT | S_ISUID | S_ISGID, plain[i]));
        rule1(f, EPERM_ACTION, name, bits(mode, S_IFMT, devices[i]));
    }
}

static void rules_files(struct maker *f)
{
    rule_mode(f, "chmod", 1);
    rule_mode(f, "fchmod", 1);
    rule_mode(f, "fchmodat", 2);
    rule_mode(f, "creat", 1);
    rule_open(f, "open", 1);
    rule_open(f, "openat", 2);
    rule_mknod(f, "mknod", 1);
    rule_mknod(f, "mknodat", 2);
}

/* Requests on terminals, sockets and files that only read or are harmless. */
static void rules_ioctl(struct maker *f)
{
    static const uint32_t fine[] = {
        0x5401, 0x5402,
        0x5403, 0x5404, /* TCGETS, TCSETS, TCSETSW, TCSETSF */
        0x540f, 0x5410,
        0x5413, 0x5429, /* get/set pgrp, window size, sid */
        0x541b, 0x5421,
        0x5450, 0x5451,     /* FIONREAD, FIONBIO, FIO(N)CLEX */
        0x5452, 0x40049409, /* FIOASYNC, FICLONE */
    };

    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
        rule1(f, SCMP_ACT_ALLOW, "ioctl", eq32(1, fine[i]));
    rule1(f, EPERM_ACTION, "ioctl", eq32(1, 0x5412)); /* TIOCSTI */
    rule1(f, EPERM_ACTION, "ioctl", eq32(1, 0x541c)); /* TIOCLINUX */
}

static void rules_prctl(struct maker *f)
{
    static const uint32_t fine[] = {
        PR_GET_PDEATHSIG,    PR_GET_DUMPABLE,    PR_SET_DUMPABLE,
        PR_SET_NAME,         PR_GET_NAME,        PR_GET_SECCOMP,
        PR_SET_SECCOMP,      PR_CAPBSET_READ,    PR_SET_NO_NEW_PRIVS,
        PR_GET_NO_NEW_PRIVS, PR_GET_TIMERSLACK,  PR_SET_TIMERSLACK,
        PR_SET_THP_DISABLE,  PR_GET_THP_DISABLE, VMA_OPTION,
    };

    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
        rule1(f, SCMP_ACT_ALLOW, "prctl", eq32(0, fine[i]));
    /* it may be set to SIGKILL, never cleared */
    rule2(f, SCMP_ACT_ALLOW, "prctl", eq32(0, PR_SET_PDEATHSIG),
          eq(1, 9 /* SIGKILL */));
    rule1(f, EPERM_ACTION, "prctl", eq32(0, PR_SET_CHILD_SUBREAPER));
    rule1(f, EPERM_ACTION, "prctl", eq32(0, PR_SET_PTRACER));
}

static void rules_processes(struct maker *f, const struct filter_key *key)
{
    const struct scmp_arg_cmp keyed[2] = {eq(4, key->word[0]),
                                          eq(5, key->word[1])};

    rule1(f, SCMP_ACT_ALLOW, "clone", bits(0, CLONE_NEW_ANY, 0));
    for (uint64_t bit = 1; bit <= CLONE_NEW_ANY; bit <<= 1) {
        if ((bit & CLONE_NEW_ANY) != 0)
            rule1(f, EPERM_ACTION, "clone", bits(0, bit, bit));
    }
    /* own limits may be read; setting any, or another's, takes the key */
    rule2(f, SCMP_ACT_ALLOW, "prlimit64", eq(0, 0), eq(2, 0));
    rule(f, SCMP_ACT_ALLOW, "prlimit64", 2, keyed);
    /* all else falls to ENOSYS: libseccomp 2.5 does not end when it is given
     * the complement of these two as rules of their own */
    /* its flags and mode are behind a pointer */
    rule(f, SCMP_ACT_ALLOW, "openat2", 2, keyed);
    rule(f, SCMP_ACT_ALLOW, "execveat", 0, NULL);
    /* a connected pair has no address to send elsewhere; datagrams have */
    rule2(f, SCMP_ACT_ALLOW, "socketpair", eq32(0, AF_UNIX),
          bits(1, SOCK_KIND, SOCK_STREAM));
    rule2(f, SCMP_ACT_ALLOW, "socketpair", eq32(0, AF_UNIX),
          bits(1, SOCK_KIND, SOCK_SEQPACKET));
    rule2(f, EACCES_ACTION, "socketpair", eq32(0, AF_UNIX),
          bits(1, SOCK_KIND, SOCK_DGRAM));
    rule(f, EACCES_ACTION, "socket", 0, NULL);
}

static ts_err maker_start(struct maker *f, uint32_t default_action)
{
    f->rc = 0;
    f->ctx = seccomp_init(default_action);
    if (f->ctx == NULL)
        return TS_E_NOMEM;
    f->rc = seccomp_attr_set(f->ctx, SCMP_FLTATR_ACT_BADARCH,
                             SCMP_ACT_KILL_PROCESS);
    /* a binary tree: the filter is walked for every call with conditions */
    if (f->rc == 0)
        f->rc = seccomp_attr_set(f->ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return f->rc < 0 ? ts_err_from_errno(-f->rc) : TS_OK;
}

ts_err filter_key_make(struct filter_key *ret)
{
    struct filter_key k;

    do {
        if (getrandom(&k, sizeof(k), 0) != (ssize_t)sizeof(k))
            return TS_E_SYSTEM;
    } while (k.word[0] == 0 || k.word[1] == 0);
    *ret = k;
    return TS_OK;
}

ts_err filter_install_base(const struct filter_key *key)
{
    struct maker f = {0};
    ts_err e = maker_start(&f, SCMP_ACT_ERRNO(ENOSYS));

    if (e == TS_OK) {
        rule_all(&f, SCMP_ACT_ALLOW, filter_allowed);
        rule_all(&f, EPERM_ACTION, filter_refused);
        rules_files(&f);
        rules_ioctl(&f);
        rules_prctl(&f);
        rules_processes(&f, key);
        if (f.rc == 0)
            f.rc = seccomp_load(f.ctx);
        e = f.rc < 0 ? ts_err_from_errno(-f.rc) : TS_OK;
    }
    if (f.ctx != NULL)
        seccomp_release(f.ctx);
    return e;
}

static void rules_pure(struct maker *f, const struct filter_key *key)
{
    rule_all(f, EPERM_ACTION, filter_changing);
    /* threads are fine, processes are not */
    rule1(f, EPERM_ACTION, "clone", bits(0, CLONE_THREAD_, 0));
    rule1(f, EPERM_ACTION, "execveat", ne(5, key->word[0]));
    rule1(f, EPERM_ACTION, "open", bits(1, O_CREAT, O_CREAT));
    rule1(f, EPERM_ACTION, "openat", bits(2, O_CREAT, O_CREAT));
    rule1(f, EPERM_ACTION, "open", bits(1, TMPFILE_BIT, TMPFILE_BIT));
    rule1(f, EPERM_ACTION, "openat", bits(2, TMPFILE_BIT, TMPFILE_BIT));
}

static ts_err read_program(int fd, struct filter_program *ret)
{
    struct filter_program p = {0};
    off_t size = lseek(fd, 0, SEEK_END);

    if (size <= 0 || size % (off_t)sizeof(*p.insns) != 0 ||
        size / (off_t)sizeof(*p.insns) > UINT16_MAX)
        return TS_E_SYSTEM;
    p.insns = ts_mem_alloc((size_t)size);
    if (p.insns == NULL)
        return TS_E_NOMEM;
    if (pread(fd, p.insns, (size_t)size, 0) != size) {
        ts_mem_free(p.insns);
        return TS_E_SYSTEM;
    }
    p.count = (unsigned short)((size_t)size / sizeof(*p.insns));
    *ret = p;
    return TS_OK;
}

ts_err filter_make_pure(const struct filter_key *key,
                        struct filter_program *ret)
{
    struct maker f = {0};
    int fd = -1;
    ts_err e = maker_start(&f, SCMP_ACT_ALLOW);

    if (e != TS_OK)
        goto out;
    rules_pure(&f, key);
    fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0)
        f.rc = -errno;
    if (f.rc == 0)
        f.rc = seccomp_export_bpf(f.ctx, fd);
    e = f.rc < 0 ? ts_err_from_errno(-f.rc) : read_program(fd, ret);
out:
    ts_fd_close(&fd);
    if (f.ctx != NULL)
        seccomp_release(f.ctx);
    return e;
}

void filter_program_done(struct filter_program *p)
{
    ts_mem_free(p->insns);
    *p = (struct filter_program){0};
}
