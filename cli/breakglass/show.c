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

#define KEY_WIDTH 11u /* as of screen_field() */

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
    screen_open(s, 2, 2 + KEY_WIDTH, false);
    screen_say(s, "%-10s %s", key, value);
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
    field(s, "id", text);
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

/* The same for programs, in ASCII. */
static bool print_json(const struct breakglass_file *f)
{
    const struct escalation *e = &f->e;
    json_t *lifts = json_array(), *keys = json_array(), *j;
    char hex[2 * TRUST_KID_LEN + 1];

    for (uint32_t i = 0; i < e->lift_count; i++)
        (void)json_array_append_new(
            lifts, json_stringn(e->lifts[i].ptr, e->lifts[i].len));
    for (uint32_t i = 0; i < f->o.sig_count; i++) {
        ts_hex_encode(hex, f->o.sigs[i].kid, TRUST_KID_LEN);
        (void)json_array_append_new(keys, json_string(hex));
    }
    ts_hex_encode(hex, e->id, sizeof(e->id));
    j = json_pack(
        "{s:s, s:s%, s:s%, s:s%, s:s%, s:I, s:I, s:I, s:s%, s:s%, "
        "s:o, s:s%, s:o}",
        "id", hex, "tenant", e->tenant.ptr, e->tenant.len, "user", e->user.ptr,
        e->user.len, "agent", e->agent.ptr, e->agent.len, "task", e->task.ptr,
        e->task.len, "from", (json_int_t)e->nbf, "until", (json_int_t)e->exp,
        "max_uses", (json_int_t)e->max_uses, "reason", e->reason.ptr,
        e->reason.len, "incident", e->incident.ptr, e->incident.len, "lifts",
        lifts, "policies", e->policies.ptr, e->policies.len, "keys", keys);
    return breakglass_json(j);
}

int breakglass_show_run(int argc, char **argv)
{
    bool json = false;
    const struct cli_option options[] = {
        {"--json", NULL, "one JSON object", CLI_FLAG, &json, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff break-glass show",
        .operands = "FILE",
        .about = "Prints all that an escalation says, and by which keys it is "
                 "signed. Whose these are, and\nwhether they count, is for the "
                 "service to say.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .operands_min = 1,
        .operands_max = 1,
        .examples = "  tipstaff break-glass show inc-17.bg\n"
                    "  tipstaff break-glass show inc-17.bg --json | jq -r "
                    ".policies\n",
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
    ok = breakglass_read(operands[0], &arena, &f) &&
         (json ? print_json(&f) : breakglass_print(&f));
    ts_arena_done(&arena);
    return ok ? CLI_OK : CLI_FAILED;
}
