/* What an escalation says, for those who are to sign it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/approval/source.h"
#include "cli/breakglass/breakglass.h"
#include "cli/cmd.h"
#include "cli/files.h"
#include "cli/opts.h"
#include "cli/term.h"
#include "sidecar/question/screen.h"

#define KEY_WIDTH 12u

bool breakglass_read(const char *path, struct ts_arena *arena,
                     struct breakglass_file *ret)
{
    struct breakglass_file f;

    if (!cli_read(path, ESCALATION_MAX, arena, &f.object))
        return false;
    if (escalation_split(f.object, &f.o) != TRUST_OK ||
        escalation_decode(f.o.body, &f.e) != TRUST_OK) {
        cli_error("%s: not an escalation; tipstaff break-glass request makes "
                  "one",
                  path);
        return false;
    }
    *ret = f;
    return true;
}

static void field(struct screen *s, const char *key, const char *value)
{
    screen_open(s, 0, KEY_WIDTH, false);
    screen_say(s, "%-11s %s", key, value);
    screen_close(s);
}

static void when(struct screen *s, const char *key, uint64_t t)
{
    char text[32];

    term_time(text, sizeof(text), t);
    field(s, key, text);
}

/* Each line behind a bar, which no value can show. */
static void policies(struct screen *s, struct ts_str text)
{
    while (text.len > 0) {
        const char *end = memchr(text.ptr, '\n', text.len);
        size_t n = end != NULL ? (size_t)(end - text.ptr) : text.len;

        screen_open(s, 2, 4, true);
        (void)screen_value(s, (struct ts_str){text.ptr, n}, n, false);
        screen_close(s);
        n += end != NULL ? 1u : 0u;
        text = (struct ts_str){text.ptr + n, text.len - n};
    }
}

static void draw(struct screen *s, const struct breakglass_file *f)
{
    const struct escalation *e = &f->e;
    char text[2 * TRUST_KID_LEN + 1], uses[16];

    ts_hex_encode(text, e->id, sizeof(e->id));
    field(s, "escalation", text);
    screen_field(s, "tenant", e->tenant);
    screen_field(s, "user", e->user);
    screen_field(s, "agent", e->agent);
    screen_field(s, "task", e->task);
    when(s, "from", e->nbf);
    when(s, "until", e->exp);
    (void)snprintf(uses, sizeof(uses), "%" PRIu32, e->max_uses);
    field(s, "calls", uses);
    screen_field(s, "reason", e->reason);
    screen_field(s, "incident", e->incident);
    for (uint32_t i = 0; i < e->lift_count; i++)
        screen_field(s, "lifts", e->lifts[i]);
    field(s, "permits",
          e->policies.len > 0 ? "beside the tenant's policies:"
                              : "nothing more");
    policies(s, e->policies);
    for (uint32_t i = 0; i < f->o.sig_count; i++) {
        ts_hex_encode(text, f->o.sigs[i].kid, TRUST_KID_LEN);
        field(s, "key", text);
    }
    if (f->o.sig_count == 0)
        field(s, "signed by", "nobody");
}

bool breakglass_print(const struct breakglass_file *f)
{
    const struct approval_source source = {.all = true};
    const struct approval_show how = approval_source_show(&source);
    struct screen s;
    struct ts_buf out;
    bool ok;

    ts_buf_init(&out, SCREEN_OUT_MAX);
    screen_init(&s, &out, how.width, how.utf8, &how.term);
    draw(&s, f);
    ok = !s.failed && fwrite(ts_buf_bytes(&out), 1, out.len, stdout) == out.len;
    if (!ok)
        cli_error("it cannot be shown");
    ts_buf_done(&out);
    return ok;
}

int breakglass_show_run(int argc, char **argv)
{
    const struct cli_usage usage = {
        .name = "tipstaff break-glass show",
        .operands = "FILE",
        .about = "Prints all that an escalation says, and by which keys it is "
                 "signed. Whose these are, and\nwhether they count, is for the "
                 "service to say.",
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff break-glass show inc-17.bg\n",
    };
    struct breakglass_file f;
    struct ts_arena arena;
    char **operands;
    size_t count;
    bool ok;
    int code;

    if (!cli_parse(&usage, argc, argv, &operands, &count, &code))
        return code;
    ts_arena_init(&arena, (size_t)4 * ESCALATION_MAX);
    ok = breakglass_read(operands[0], &arena, &f) && breakglass_print(&f);
    ts_arena_done(&arena);
    return ok ? CLI_OK : CLI_FAILED;
}
