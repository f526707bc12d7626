#ifndef SIDECAR_LAUNCHER_METADATA_CALL_H
#define SIDECAR_LAUNCHER_METADATA_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/seccomp.h>

/*
 * What a stopped system call asks for: the registers of a tool, of which none
 * can be trusted. Pure: nothing is read from the tool's memory here, and
 * addresses stay numbers.
 */
enum metadata_kind {
    METADATA_MODE,
    METADATA_OWNER,
    METADATA_TIMES,
    METADATA_PROCESSORS
};

enum metadata_times {  /* how the times lie in the tool's memory */
    METADATA_TIMESPEC, /* two struct timespec */
    METADATA_TIMEVAL,  /* two struct timeval */
    METADATA_UTIMBUF   /* two time_t */
};

struct metadata_call {
    enum metadata_kind kind;
    int fd;            /* folder that the path begins at, AT_FDCWD, or the file
                          itself */
    bool has_path;     /* else fd is the file itself */
    bool may_be_empty; /* AT_EMPTY_PATH: an empty path means fd */
    bool no_follow;    /* a link at the end is meant itself */
    uint64_t path;     /* address; may be 0, which is a bad one */
    uint32_t mode;
    uint32_t uid, gid; /* UINT32_MAX: unchanged */
    uint64_t times;    /* address, 0: now */
    enum metadata_times form;
    int32_t pid; /* a thread, and its mask */
    uint32_t mask_len;
    uint64_t mask;
};

/* 0, or the errno that the kernel would answer such arguments with; ENOSYS for
 * a call that is none of these. */
int metadata_decode(const struct seccomp_data *d, struct metadata_call *ret);

/* The numbers that metadata_decode() knows; ends with -1. For tests. */
extern const int metadata_calls[];

#endif
