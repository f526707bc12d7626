/*
 * The compiler. It writes from the end to the beginning, so that the targets of
 * a jump exist before it: a position is counted from the end. A jump reaches
 * 255 instructions; what is farther is written again (a return) or reached by
 * an unconditional jump beside it.
 */
#include "sidecar/sandbox/bpf.h"

#include <string.h>

#include <linux/seccomp.h>

#define REACH       250 /* below 255: two targets may be brought nearer */
#define RETURNS_MAX 32

struct target {
    bool is_return;
    uint32_t action; /* of a return */
    uint32_t at;     /* else: how many instructions follow its first */
};

struct writer {
    struct sock_filter *back; /* the last instruction first */
    uint32_t count, cap;
    struct {
        uint32_t action, at;
    } returns[RETURNS_MAX]; /* the nearest of each */
    uint32_t return_count;
    ts_err e;
};

/* A run of numbers with one meaning. */
struct span {
    uint32_t first;
    const struct sandbox_call *call; /* NULL: action */
    uint32_t action;
    uint32_t weight; /* numbers in it */
};

static void emit(struct writer *w, uint16_t code, uint8_t jt, uint8_t jf,
                 uint32_t k)
{
    if (w->count == w->cap)
        w->e = TS_E_LIMIT;
    else
        w->back[w->count++] = (struct sock_filter){code, jt, jf, k};
}

static struct target here(const struct writer *w)
{
    return (struct target){.at = w->count};
}

static struct target returning(uint32_t action)
{
    return (struct target){.is_return = true, .action = action};
}

static uint32_t emit_return(struct writer *w, uint32_t action)
{
    uint32_t i = 0;

    while (i < w->return_count && w->returns[i].action != action)
        i++;
    if (i == w->return_count) {
        if (i == RETURNS_MAX) {
            w->e = TS_E_LIMIT;
            return 0;
        }
        w->returns[w->return_count++].action = action;
    } else if (w->count - w->returns[i].at <= REACH) {
        return w->returns[i].at;
    }
    emit(w, BPF_RET | BPF_K, 0, 0, action);
    w->returns[i].at = w->count;
    return w->count;
}

/* Where the target is, within reach of the next instructions. */
static uint32_t reach(struct writer *w, struct target t)
{
    if (t.is_return)
        return emit_return(w, t.action);
    if (w->count - t.at > REACH) {
        emit(w, BPF_JMP | BPF_JA, 0, 0, w->count - t.at);
        return w->count;
    }
    return t.at;
}

static struct target jump(struct writer *w, uint16_t op, uint32_t k,
                          struct target yes, struct target no)
{
    uint32_t y = reach(w, yes), n = reach(w, no);

    emit(w, (uint16_t)(BPF_JMP | BPF_K | op), (uint8_t)(w->count - y),
         (uint8_t)(w->count - n), k);
    return here(w);
}

static bool same_target(struct target a, struct target b)
{
    return a.is_return == b.is_return &&
           (a.is_return ? a.action == b.action : a.at == b.at);
}

/* To a place that is the next instruction already, or a jump to it. */
static struct target settle(struct writer *w, struct target t)
{
    if (t.is_return || t.at != w->count) {
        uint32_t at = reach(w, t);

        if (at != w->count)
            emit(w, BPF_JMP | BPF_JA, 0, 0, w->count - at);
    }
    return here(w);
}

/* Half of an argument: the kernel gives it in the byte order of the machine,
 * and both architectures are little-endian. */
static uint32_t word_of(unsigned arg, bool high)
{
    return (uint32_t)(offsetof(struct seccomp_data, args) + arg * 8 +
                      (high ? 4 : 0));
}

static struct target load(struct writer *w, uint32_t offset)
{
    emit(w, BPF_LD | BPF_W | BPF_ABS, 0, 0, offset);
    return here(w);
}

static struct target load_masked(struct writer *w, uint32_t offset,
                                 uint32_t mask)
{
    if (mask != UINT32_MAX)
        emit(w, BPF_ALU | BPF_AND | BPF_K, 0, 0, mask);
    return load(w, offset);
}

/* One half is one of the values. */
static struct target half_in(struct writer *w, const struct sandbox_cond *c,
                             bool high, struct target yes, struct target no)
{
    unsigned shift = high ? 32 : 0;
    uint32_t mask = (uint32_t)(c->mask >> shift);
    struct target t = no;

    if (c->count == 1 && c->values[0] >> shift == 0 && mask != UINT32_MAX) {
        (void)jump(w, BPF_JSET, mask, no, yes);
        return load(w, word_of(c->arg, high));
    }
    for (uint32_t i = c->count; i-- > 0;)
        t = jump(w, BPF_JEQ, (uint32_t)(c->values[i] >> shift), yes, t);
    return load_masked(w, word_of(c->arg, high), mask);
}

/* All of them have the same upper half: the usual case, and one comparison. */
static bool one_upper_half(const struct sandbox_cond *c)
{
    for (uint32_t i = 1; i < c->count; i++) {
        if (c->values[i] >> 32 != c->values[0] >> 32)
            return false;
    }
    return true;
}

static struct target full_in(struct writer *w, const struct sandbox_cond *c,
                             struct target yes, struct target no)
{
    struct target next = no;

    for (uint32_t i = c->count; i-- > 0;) {
        struct sandbox_cond one = *c;
        struct target low;

        one.values = &c->values[i];
        one.count = 1;
        low = half_in(w, &one, false, yes, next);
        next = half_in(w, &one, true, low, next);
    }
    return next;
}

static struct target cond(struct writer *w, const struct sandbox_cond *c,
                          struct target yes, struct target no)
{
    struct sandbox_cond first = *c;
    struct target t;

    if (c->differs) {
        t = yes;
        yes = no;
        no = t;
    }
    if (c->is32 || c->mask >> 32 == 0)
        return half_in(w, c, false, yes, no);
    if (!one_upper_half(c))
        return full_in(w, c, yes, no);
    first.count = 1;
    if ((uint32_t)c->mask == 0)
        return half_in(w, &first, true, yes, no);
    t = half_in(w, c, false, yes, no);
    return half_in(w, &first, true, t, no);
}

/* How many of the conditions before this one are secrets that stand together.
 */
static uint32_t secrets_before(const struct sandbox_clause *k, uint32_t end)
{
    uint32_t n = 0;

    while (n < end && k->conds[end - 1 - n].secret)
        n++;
    return n;
}

/*
 * What is wrong with each half is gathered in X, and asked about once: a
 * comparison per half would answer sooner to a wrong first half than to a right
 * one, and be guessed half by half. The same instructions run for every guess.
 */
static struct target secrets(struct writer *w, const struct sandbox_cond *c,
                             uint32_t count, struct target yes,
                             struct target no)
{
    (void)jump(w, BPF_JEQ, 0, yes, no);
    for (uint32_t i = 2 * count; i-- > 0;) {
        const struct sandbox_cond *one = &c[i / 2];
        bool high = i % 2 == 0;

        if (one->is32 || one->differs || one->mask != UINT64_MAX ||
            one->count != 1) {
            w->e = TS_E_INVALID;
            break;
        }
        if (i > 0)
            emit(w, BPF_ALU | BPF_OR | BPF_X, 0, 0, 0);
        emit(w, BPF_ALU | BPF_XOR | BPF_K, 0, 0,
             (uint32_t)(one->values[0] >> (high ? 32 : 0)));
        (void)load(w, word_of(one->arg, high));
        if (i > 0)
            emit(w, BPF_MISC | BPF_TAX, 0, 0, 0);
    }
    return here(w);
}

static struct target clause(struct writer *w, const struct sandbox_clause *k,
                            struct target yes, struct target no)
{
    for (uint32_t j = k->count; j > 0;) {
        uint32_t n = secrets_before(k, j);

        j -= n > 0 ? n : 1;
        yes = n > 0 ? secrets(w, &k->conds[j], n, yes, no)
                    : cond(w, &k->conds[j], yes, no);
    }
    return yes;
}

static struct target call(struct writer *w, const struct sandbox_call *c)
{
    struct target next = returning(c->action);

    for (uint32_t i = c->count; i-- > 0;) {
        const struct sandbox_clause *k = &c->clauses[i];
        struct target yes = returning(k->action);

        if (!same_target(yes, next))
            next = clause(w, k, yes, next);
    }
    return next;
}

static bool is_constant(const struct span *s)
{
    return s->call == NULL;
}

/* Comparisons that halve the weight. Constant spans around a single special one
 * cost one comparison less if that one is asked for first. */
static struct target tree(struct writer *w, const struct span *s, uint32_t from,
                          uint32_t to)
{
    uint64_t all = 0, left = 0;
    uint32_t mid = from + 1;
    struct target high, low;

    if (to - from == 1)
        return is_constant(&s[from]) ? returning(s[from].action)
                                     : call(w, s[from].call);
    if (to - from == 3 && is_constant(&s[from]) && is_constant(&s[to - 1]) &&
        s[from].action == s[to - 1].action && s[from + 1].weight == 1) {
        low = tree(w, s, from + 1, from + 2);
        return jump(w, BPF_JEQ, s[from + 1].first, low,
                    returning(s[from].action));
    }
    for (uint32_t i = from; i < to; i++)
        all += s[i].weight;
    left = s[from].weight;
    while (mid + 1 < to && left + s[mid].weight / 2 < all / 2)
        left += s[mid++].weight;
    high = tree(w, s, mid, to);
    low = tree(w, s, from, mid);
    return jump(w, BPF_JGE, s[mid].first, high, low);
}

static bool joins(const struct span *s, const struct sandbox_call *c,
                  uint32_t action)
{
    return s->call == NULL && c == NULL && s->action == action;
}

/* Numbers to spans. base NULL: all of m. */
static uint32_t spans_make(const struct sandbox_model *base,
                           const struct sandbox_model *m, struct span *ret)
{
    const uint32_t other = base == NULL ? SANDBOX_ABSENT : SANDBOX_ALLOW;
    uint32_t count = 0;

    for (uint32_t nr = 0; nr <= SANDBOX_NR_END; nr++) {
        const struct sandbox_call *c =
            nr < SANDBOX_NR_END ? m->by_nr[nr] : NULL;
        uint32_t action = c == NULL ? SANDBOX_ABSENT : c->action;

        if (nr == SANDBOX_NR_END ||
            (base != NULL && sandbox_call_equal(base->by_nr[nr], c))) {
            c = NULL;
            action = other;
        }
        if (c != NULL && c->count == 0)
            c = NULL;
        if (count == 0 || !joins(&ret[count - 1], c, action))
            ret[count++] =
                (struct span){.first = nr, .call = c, .action = action};
        ret[count - 1].weight++;
    }
    return count;
}

static void prologue(struct writer *w, const struct sandbox_model *m,
                     bool is_first, struct target by_number)
{
    struct target t = by_number;

    if (is_first && m->arch == SANDBOX_X86_64) {
        t = jump(w, BPF_JEQ, UINT32_MAX, returning(SANDBOX_ABSENT),
                 returning(SANDBOX_KILL));
        t = jump(w, BPF_JGE, SANDBOX_X32_BIT, t, by_number);
    }
    t = settle(w, t);
    t = load(w, offsetof(struct seccomp_data, nr));
    if (is_first) {
        (void)jump(w, BPF_JEQ, sandbox_arch_audit(m->arch), t,
                   returning(SANDBOX_KILL));
        (void)load(w, offsetof(struct seccomp_data, arch));
    }
}

static ts_err compile(const struct sandbox_model *base,
                      const struct sandbox_model *m, struct ts_arena *arena,
                      struct sandbox_bpf *ret)
{
    struct writer w = {.cap = BPF_MAXINSNS};
    uint32_t count;
    void *room, *spans;
    ts_err e =
        ts_arena_array(arena, SANDBOX_NR_END + 1, sizeof(struct span), &spans);

    if (e != TS_OK ||
        (e = ts_arena_array(arena, w.cap, sizeof(w.back[0]), &room)) != TS_OK)
        return e;
    w.back = room;
    count = spans_make(base, m, spans);
    prologue(&w, m, base == NULL, tree(&w, spans, 0, count));
    if (w.e != TS_OK)
        return w.e;
    for (uint32_t i = 0; i < w.count / 2; i++) {
        struct sock_filter swap = w.back[i];

        w.back[i] = w.back[w.count - 1 - i];
        w.back[w.count - 1 - i] = swap;
    }
    *ret = (struct sandbox_bpf){.insns = w.back, .count = w.count};
    return TS_OK;
}

ts_err sandbox_bpf_compile(const struct sandbox_model *m,
                           struct ts_arena *arena, struct sandbox_bpf *ret)
{
    return compile(NULL, m, arena, ret);
}

ts_err sandbox_bpf_compile_over(const struct sandbox_model *base,
                                const struct sandbox_model *m,
                                struct ts_arena *arena, struct sandbox_bpf *ret)
{
    return compile(base, m, arena, ret);
}
