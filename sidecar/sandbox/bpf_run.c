/* The instructions that the compiler writes, carried out. */
#include "sidecar/sandbox/bpf.h"

#include <string.h>

#include <linux/seccomp.h>

#define RUNNING 1u /* no action has this value */

struct machine {
    const struct seccomp_data *data;
    uint32_t a, x, pc, steps;
    bool looked; /* at an argument */
};

static uint32_t fetch(struct machine *x, uint32_t offset)
{
    uint32_t v;

    if (offset % 4 != 0 || offset > sizeof(*x->data) - sizeof(v))
        return SANDBOX_KILL;
    if (offset >= offsetof(struct seccomp_data, instruction_pointer))
        x->looked = true;
    memcpy(&v, (const char *)x->data + offset, sizeof(v));
    x->a = v;
    return RUNNING;
}

static uint32_t step(struct machine *x, const struct sock_filter *i)
{
    bool yes = false;

    x->pc++;
    x->steps++;
    switch (i->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        return fetch(x, i->k);
    case BPF_ALU | BPF_AND | BPF_K:
        x->a &= i->k;
        return RUNNING;
    case BPF_ALU | BPF_XOR | BPF_K:
        x->a ^= i->k;
        return RUNNING;
    case BPF_ALU | BPF_OR | BPF_X:
        x->a |= x->x;
        return RUNNING;
    case BPF_MISC | BPF_TAX:
        x->x = x->a;
        return RUNNING;
    case BPF_RET | BPF_K:
        return i->k;
    case BPF_JMP | BPF_JA:
        x->pc += i->k;
        return RUNNING;
    case BPF_JMP | BPF_JEQ | BPF_K:
        yes = x->a == i->k;
        break;
    case BPF_JMP | BPF_JGE | BPF_K:
        yes = x->a >= i->k;
        break;
    case BPF_JMP | BPF_JSET | BPF_K:
        yes = (x->a & i->k) != 0;
        break;
    default:
        return SANDBOX_KILL;
    }
    x->pc += yes ? i->jt : i->jf;
    return RUNNING;
}

static uint32_t run(const struct sandbox_bpf *p, struct machine *x,
                    bool stop_at_arguments)
{
    uint32_t action = RUNNING;

    while (action == RUNNING && x->pc < p->count) {
        action = step(x, &p->insns[x->pc]);
        if (stop_at_arguments && x->looked)
            break;
    }
    return action == RUNNING ? SANDBOX_KILL : action;
}

uint32_t sandbox_bpf_run(const struct sandbox_bpf *p, uint32_t audit,
                         uint32_t nr, const uint64_t args[SANDBOX_ARGS],
                         uint32_t *ret_steps)
{
    struct seccomp_data d = {.nr = (int)nr, .arch = audit};
    struct machine x = {.data = &d};
    uint32_t action;

    for (int i = 0; i < SANDBOX_ARGS; i++)
        d.args[i] = args[i];
    action = run(p, &x, false);
    if (ret_steps != NULL)
        *ret_steps = x.steps;
    return action;
}

uint32_t sandbox_bpf_steps(const struct sandbox_bpf *p, uint32_t audit,
                           uint32_t numbers)
{
    uint32_t all = 0;

    for (uint32_t nr = 0; nr < numbers; nr++) {
        struct seccomp_data d = {.nr = (int)nr, .arch = audit};
        struct machine x = {.data = &d};

        (void)run(p, &x, true);
        all += x.steps;
    }
    return all;
}
