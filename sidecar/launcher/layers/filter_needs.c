#include "sidecar/launcher/layers/filter_needs.h"

#include "sidecar/sandbox/lint.h"
#include "sidecar/sandbox/profile.h"

#define ANY .any = true

/* clang-format off */
static const struct sandbox_hole sockets[] = {
    {.call = "socket", ANY},
    {.call = NULL},
};

/* Descriptors go through them, to whoever is at the other end. */
static const struct sandbox_hole senders[] = {
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

/* Exclusive, not waiting: as we ask for a lock on what a tool has left. */
static const struct sandbox_hole lock[] = {
    {.call = "flock", .args = {0, 2 | 4}},
    {.call = NULL},
};

/* AF_UNIX, with every kind, every flag and both protocols. */
static bool has_unix(const struct sandbox_profile *p,
                     const struct sandbox_model *m)
{
    static const uint64_t kinds[] = {1, 2, 3, 5},
                          flags[] = {0, 0x800, 0x80000, 0x80800};

    for (unsigned i = 0; i < 4 * 4 * 2; i++) {
        const struct sandbox_hole h = {
            .call = "socket",
            .args = {1, kinds[i & 3] | flags[i >> 2 & 3], i >> 4}};

        if (sandbox_hole_is_open(&h, &p->calls, m))
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
    if (e == TS_OK) {
        bool sends = has_one(senders, profile, &m);

        *ret = (struct filter_needs){
            .net_ns = sends || has_one(sockets, profile, &m),
            .ipc_ns = has_one(ipc, profile, &m),
            .no_reuse =
                sends || has_unix(profile, &m) || !has_one(lock, profile, &m)};
    }
    ts_arena_done(&a);
    return e;
}
