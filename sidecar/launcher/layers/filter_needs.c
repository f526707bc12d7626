#include "sidecar/launcher/layers/filter_needs.h"

#include "sidecar/sandbox/lint.h"
#include "sidecar/sandbox/profile.h"

#define ANY .any = true

/* clang-format off */
static const struct sandbox_hole sockets[] = {
    {.call = "socket", ANY},
    {.call = "io_uring_setup", ANY}, /* makes sockets that no filter sees */
    /* of datagrams: each may be sent to a path of the host. With every flag,
     * since a rule may name some of them only; 3 is what the kernel makes 2. */
    {.call = "socketpair", .args = {1, 2}},
    {.call = "socketpair", .args = {1, 2 | 0x800}},
    {.call = "socketpair", .args = {1, 2 | 0x80000}},
    {.call = "socketpair", .args = {1, 2 | 0x80800}},
    {.call = "socketpair", .args = {1, 3}},
    {.call = "socketpair", .args = {1, 3 | 0x800}},
    {.call = "socketpair", .args = {1, 3 | 0x80000}},
    {.call = "socketpair", .args = {1, 3 | 0x80800}},
    {.call = NULL},
};

/* Not those that make one alone: what others made has a small number. */
static const struct sandbox_hole ipc[] = {
    {.call = "shmget", ANY}, {.call = "shmat", ANY},  {.call = "shmctl", ANY},
    {.call = "semget", ANY}, {.call = "semop", ANY},  {.call = "semtimedop", ANY},
    {.call = "semctl", ANY}, {.call = "msgget", ANY}, {.call = "msgsnd", ANY},
    {.call = "msgrcv", ANY}, {.call = "msgctl", ANY}, {.call = "mq_open", ANY},
    {.call = "mq_unlink", ANY},
    {.call = NULL},
};
/* clang-format on */

static bool has_one(const struct sandbox_hole *list,
                    const struct sandbox_profile *p,
                    const struct sandbox_model *m)
{
    for (; list->call != NULL; list++) {
        if (sandbox_hole_is_open(list, &p->calls, m))
            return true;
    }
    return false;
}

ts_err filter_needs_of(const struct sandbox_profile *profile,
                       struct filter_needs *ret)
{
    struct sandbox_model m;
    struct ts_arena a;
    ts_err e;

    ts_arena_init(&a, SANDBOX_ARENA_BYTES);
    e = sandbox_profile_model(profile, sandbox_arch_native(), &a, &m);
    if (e == TS_OK)
        *ret = (struct filter_needs){.net_ns = has_one(sockets, profile, &m),
                                     .ipc_ns = has_one(ipc, profile, &m)};
    ts_arena_done(&a);
    return e;
}
