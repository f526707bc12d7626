#include "sidecar/gate/steps/clock_guard.h"

#define NS_PER_MS UINT64_C(1000000)

static uint64_t capped_add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Where a clock that was right at (boot, unix) would stand at boot_ns. */
static uint64_t derived(uint64_t from_boot_ns, uint64_t from_unix_ms,
                        uint64_t boot_ns)
{
    uint64_t passed =
        boot_ns > from_boot_ns ? (boot_ns - from_boot_ns) / NS_PER_MS : 0;

    return capped_add(from_unix_ms, passed);
}

static void anchor(struct clock_guard *g)
{
    g->anchor_boot_ns = g->boot_ns;
    g->anchor_unix_ms = g->unix_ms;
}

static void trust(struct clock_guard *g, uint64_t unix_ms)
{
    g->state = CLOCK_GUARD_TRUSTED;
    g->unix_ms = unix_ms;
    g->behind = false;
    anchor(g);
}

static bool is_rolled_back(const struct clock_guard *g)
{
    return capped_add(g->real_ms, CLOCK_ROLLBACK_MS) < g->last_seen_ms;
}

void clock_guard_start(struct clock_guard *g, uint64_t last_seen_ms,
                       uint64_t boot_ns, uint64_t real_ms)
{
    *g = (struct clock_guard){
        .last_seen_ms = last_seen_ms, .boot_ns = boot_ns, .real_ms = real_ms};
    if (is_rolled_back(g)) {
        g->state = CLOCK_GUARD_ROLLED_BACK;
        g->unix_ms = last_seen_ms; /* nothing that has expired lives again */
        anchor(g);
    } else {
        trust(g, real_ms);
    }
}

/* The time goes on from base at the pace of the boot clock. The whole
 * milliseconds that have passed are taken off together, so that no rounding
 * adds up: base moves only when unix_ms does. */
static void go_on(struct clock_guard *g, uint64_t boot_ns)
{
    uint64_t now_ms = derived(g->boot_ns, g->unix_ms, boot_ns);

    if (now_ms == g->unix_ms)
        return;
    g->boot_ns += (now_ms - g->unix_ms) * NS_PER_MS;
    g->unix_ms = now_ms;
}

static enum clock_guard_event read_trusted(struct clock_guard *g)
{
    uint64_t expected =
        derived(g->anchor_boot_ns, g->anchor_unix_ms, g->boot_ns);
    uint64_t real_ms = g->real_ms;
    enum clock_guard_event ev = CLOCK_GUARD_NOTHING;

    if (real_ms > capped_add(expected, CLOCK_JUMP_MS)) {
        g->state = CLOCK_GUARD_SUSPECT;
        return CLOCK_GUARD_JUMPED;
    }
    if (capped_add(real_ms, CLOCK_STEP_MS) < g->unix_ms) {
        if (!g->behind)
            ev = CLOCK_GUARD_STEPPED_BACK;
        g->behind = true;
        return ev;
    }
    g->behind = false;
    if (real_ms > g->unix_ms) {
        if (real_ms - g->unix_ms > CLOCK_STEP_MS)
            ev = CLOCK_GUARD_STEPPED_AHEAD;
        g->unix_ms = real_ms;
    }
    if (g->boot_ns - g->anchor_boot_ns > CLOCK_ANCHOR_MS * NS_PER_MS)
        anchor(g);
    return ev;
}

static enum clock_guard_event read_suspect(struct clock_guard *g)
{
    if (g->real_ms > capped_add(g->unix_ms, CLOCK_JUMP_MS))
        return CLOCK_GUARD_NOTHING;
    trust(g, g->real_ms > g->unix_ms ? g->real_ms : g->unix_ms);
    return CLOCK_GUARD_UNDONE;
}

static enum clock_guard_event read_rolled_back(struct clock_guard *g)
{
    if (is_rolled_back(g))
        return CLOCK_GUARD_NOTHING;
    trust(g, g->real_ms);
    return CLOCK_GUARD_CAUGHT_UP;
}

uint64_t clock_guard_read(struct clock_guard *g, uint64_t boot_ns,
                          uint64_t real_ms, enum clock_guard_event *ret_event)
{
    enum clock_guard_event ev = CLOCK_GUARD_NOTHING;

    g->real_ms = real_ms;
    switch (g->state) {
    case CLOCK_GUARD_TRUSTED:
        go_on(g, boot_ns);
        ev = read_trusted(g);
        break;
    case CLOCK_GUARD_SUSPECT:
        go_on(g, boot_ns);
        ev = read_suspect(g);
        break;
    case CLOCK_GUARD_ROLLED_BACK:
        g->boot_ns = boot_ns;
        ev = read_rolled_back(g);
        break;
    case CLOCK_GUARD_START:
    case CLOCK_GUARD_STATE_COUNT_:
        clock_guard_start(g, 0, boot_ns, real_ms);
        break;
    }
    *ret_event = ev;
    return g->unix_ms;
}

static bool agrees(const struct clock_guard *g, uint64_t issued_s)
{
    uint64_t now_s = g->real_ms / 1000;
    uint64_t apart = now_s > issued_s ? now_s - issued_s : issued_s - now_s;

    return apart <= CLOCK_AGREES_S;
}

bool clock_guard_evidence(struct clock_guard *g, uint64_t issued_s, bool newer)
{
    bool confirms = false;

    switch (g->state) {
    case CLOCK_GUARD_SUSPECT: /* ahead: nothing old can agree with it */
        confirms = agrees(g, issued_s);
        break;
    case CLOCK_GUARD_ROLLED_BACK: /* behind: only what cannot be old counts */
        confirms = newer && agrees(g, issued_s);
        break;
    case CLOCK_GUARD_START:
    case CLOCK_GUARD_TRUSTED:
    case CLOCK_GUARD_STATE_COUNT_:
        break;
    }
    if (confirms)
        trust(g, g->real_ms);
    return confirms;
}

bool clock_guard_admits(const struct clock_guard *g)
{
    return g->state == CLOCK_GUARD_TRUSTED;
}

bool clock_guard_decides(const struct clock_guard *g)
{
    return g->state == CLOCK_GUARD_TRUSTED || g->state == CLOCK_GUARD_SUSPECT;
}

uint64_t clock_guard_real_s(const struct clock_guard *g)
{
    return g->real_ms / 1000;
}

const char *clock_guard_state_name(enum clock_guard_state s)
{
    switch (s) {
    case CLOCK_GUARD_TRUSTED:
        return "trusted";
    case CLOCK_GUARD_SUSPECT:
        return "suspect";
    case CLOCK_GUARD_ROLLED_BACK:
        return "rolled_back";
    case CLOCK_GUARD_START:
    case CLOCK_GUARD_STATE_COUNT_:
        break;
    }
    return "start";
}
