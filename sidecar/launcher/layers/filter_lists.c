/*
 * Which calls exist for a tool. Conditions on arguments are in filter.c:
 * clone, socketpair, ioctl, prctl, prlimit64, open*, creat, chmod*, mknod*,
 * execveat, openat2 are not listed here.
 */
#include "sidecar/launcher/layers/filter_lists.h"

#include <stddef.h>

const char *const filter_allowed[] = {
    /* files */
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv",
    "pwritev", "preadv2", "pwritev2", "close", "close_range", "stat", "lstat",
    "fstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
    "faccessat2", "lseek", "readlink", "readlinkat", "getdents", "getdents64",
    "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat",
    "renameat2", "link", "linkat", "symlink", "symlinkat", "chown", "fchown",
    "lchown", "fchownat", "utime", "utimes", "utimensat", "futimesat",
    "truncate", "ftruncate", "fallocate", "fsync", "fdatasync",
    "sync_file_range", "umask", "chdir", "fchdir", "getcwd", "copy_file_range",
    "sendfile", "splice", "tee", "fadvise64", "readahead", "flock", "getxattr",
    "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
    /* memory */
    "mmap", "mprotect", "munmap", "mremap", "madvise", "msync", "mincore",
    "brk", "mlock", "munlock", "mlock2", "membarrier",
    /* descriptors and waiting */
    "dup", "dup2", "dup3", "pipe", "pipe2", "fcntl", "select", "pselect6",
    "poll", "ppoll", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "timerfd_create",
    "timerfd_settime", "timerfd_gettime", "signalfd", "signalfd4",
    "inotify_init", "inotify_init1", "inotify_add_watch", "inotify_rm_watch",
    /* signals and timers */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending",
    "rt_sigtimedwait", "rt_sigsuspend", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    "sigaltstack", "kill", "tkill", "tgkill", "alarm", "pause", "getitimer",
    "setitimer", "timer_create", "timer_settime", "timer_gettime",
    "timer_getoverrun", "timer_delete", "restart_syscall", "nanosleep",
    "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time",
    "times",
    /* processes; a fork is a clone, whose flags are checked */
    "fork", "vfork", "execve", "exit", "exit_group", "wait4", "waitid",
    "set_tid_address", "set_robust_list", "get_robust_list", "futex",
    "futex_waitv", "rseq", "arch_prctl", "gettid", "getpid", "getppid",
    "getpgid", "getpgrp", "setpgid", "getsid", "setsid", "getuid", "geteuid",
    "getgid", "getegid", "getresuid", "getresgid", "getgroups", "getrlimit",
    "getrusage", "uname", "sysinfo", "getcpu", "getrandom", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "sched_getparam",
    "sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min",
    "getpriority", "capget", "pidfd_open", "pidfd_send_signal",
    /* a tool may box itself further */
    "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
    "seccomp",
    /* on socketpair(2)s, the only sockets there are */
    "getsockname", "getpeername", "getsockopt", "setsockopt", "sendto",
    "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown", NULL};

const char *const filter_refused[] = {
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
    "kcmp", "pidfd_getfd", "mount", "umount2", "pivot_root", "chroot", "setns",
    "unshare", "open_tree", "move_mount", "fsopen", "fsconfig", "fsmount",
    "fspick", "mount_setattr", "bpf", "perf_event_open", "userfaultfd",
    "keyctl", "add_key", "request_key", "init_module", "finit_module",
    "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon",
    "swapoff", "acct", "settimeofday", "clock_settime", "adjtimex",
    "clock_adjtime", "iopl", "ioperm", "modify_ldt", "personality", "quotactl",
    "quotactl_fd", "syslog", "vhangup", "name_to_handle_at",
    "open_by_handle_at", "lookup_dcookie", "fanotify_init", "fanotify_mark",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "setuid", "setgid",
    "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
    "setfsgid", "capset", "vmsplice", "move_pages", "migrate_pages", "mbind",
    "set_mempolicy", "get_mempolicy", "sethostname", "setdomainname",
    "setpriority", "sched_setscheduler", "sched_setparam", "sched_setattr",
    "ioprio_set", "setrlimit", "shmget", "shmat", "shmctl", "shmdt", "semget",
    "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl",
    "mq_open", "mq_unlink", "memfd_create", "memfd_secret", "pkey_alloc",
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr",
    "fremovexattr", "uselib", "ustat", "sysfs",
    /* connect(2) and an address in sendto(2) leave a datagram socketpair */
    "connect", "bind", "listen", "accept", "accept4", NULL};

const char *const filter_changing[] = {
    "mkdir",     "mkdirat",   "rmdir",  "unlink",    "unlinkat",  "rename",
    "renameat",  "renameat2", "link",   "linkat",    "symlink",   "symlinkat",
    "chown",     "fchown",    "lchown", "fchownat",  "chmod",     "fchmod",
    "fchmodat",  "utime",     "utimes", "utimensat", "futimesat", "truncate",
    "ftruncate", "fallocate", "creat",  "mknod",     "mknodat",   "fork",
    "vfork",     "execve",    NULL};
