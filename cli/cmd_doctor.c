/* tipstaff doctor: which sandbox layers this host gives, which boxes launchers
 * can make of them, and what the canary says of those. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/commands.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/hook.h"
#include "cli/doctor/state.h"
#include "cli/opts.h"
#include "cli/term.h"
#include "proto/base/ts_fd.h"
#include "sidecar/common/bundle/bundle.h"
#include "sidecar/common/control/control.h"
#include "sidecar/common/layer.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/launcher/layers/probe.h"

#define BUILT_IN_PROFILES 5

struct findings {
    struct layers layers;
    struct doctor_report boxes;
    struct manifests *tools; /* owned; NULL: no configuration was given */
    struct config settings;  /* owned; its tipstaff.yaml, if has_settings */
    bool has_settings;
    struct doctor_hook hook;
    struct state state; /* of what is installed for these */
    const char *config;
    char config_text[CONTROL_TEXT_MAX]; /* why it cannot even be read */
};

static const char *ladder(int abi)
{
    static const char *const steps[] = {
        "none",
        "1: files",
        "2: files, moves between folders",
        "3: files, moves, truncation",
        "4: and TCP ports",
        "5: and device requests",
        "6: and abstract sockets and signals",
    };

    return steps[abi < 0 ? 0 : abi > 6 ? 6 : abi];
}

static const char *why(const struct layer_probe *p)
{
    const char *name = p->holds ? NULL : strerrorname_np(p->sys_errno);

    return p->holds ? "" : name != NULL ? name : "?";
}

static bool has_floor(const struct findings *f)
{
    return (f->layers.held & LAYER_FLOOR) == LAYER_FLOOR;
}

/* Of any profile: best[level] is one that is given, else one that is offered.
 */
static const struct box_said *best_of(const struct doctor_report *r,
                                      enum box_level level)
{
    const struct box_said *best = NULL;

    for (uint32_t i = 0; i < r->box_count; i++) {
        const struct box_said *b = &r->box[i];

        if (b->level == level &&
            (best == NULL || b->given > best->given ||
             (b->given == best->given && b->offered > best->offered)))
            best = b;
    }
    return best;
}

static bool is_served(const struct doctor_report *r)
{
    for (int i = BOX_BARE; i <= BOX_STRICT; i++) {
        const struct box_said *b = best_of(r, (enum box_level)i);

        if (b != NULL && b->given)
            return true;
    }
    return false;
}

static bool has_hole(const struct doctor_report *r)
{
    for (uint32_t i = 0; i < r->box_count; i++) {
        if (r->box[i].offered && !r->box[i].given && !r->box[i].expected)
            return true;
    }
    return false;
}

static bool is_well(const struct findings *f)
{
    return has_floor(f) && f->boxes.is_whole && is_served(&f->boxes) &&
           !has_hole(&f->boxes) && f->config_text[0] == '\0' &&
           f->boxes.unserved[0] == '\0' && !state_is_faulty(&f->state) &&
           (f->tools == NULL || f->tools->refused_count == 0);
}

/* ---- text ---------------------------------------------------------------- */

static void print_layers(const struct findings *f, struct term t)
{
    const struct layers *l = &f->layers;

    (void)printf("%s%-15s %-6s %-10s %s%s\n", t.bold, "LAYER", "HOLDS",
                 "WHY NOT", "WHAT IT STOPS", t.reset);
    for (size_t i = 0; i < LAYER_COUNT; i++) {
        const struct layer_probe *p = &l->probe[i];
        bool is_floor = (p->bit & LAYER_FLOOR) != 0;

        (void)printf("%-15s %s%-6s%s %-10s %s%s\n", layer_name(p->bit),
                     p->holds   ? t.green
                     : is_floor ? t.red
                                : t.yellow,
                     p->holds ? "yes" : "no", t.reset, why(p), p->stops,
                     is_floor ? " (required)" : "");
        if (!p->holds)
            (void)printf("%33s %s-> %s%s\n", "", t.dim, doctor_remedy(p->bit),
                         t.reset);
    }
    (void)printf("\nLandlock ABI %d; %s\n", l->landlock_abi,
                 ladder(l->landlock_abi));
    if (!l->process_limit)
        (void)printf("%sThe limit on processes does not bind this user (uid 0 "
                     "never is); run the launcher as another.%s\n",
                     t.yellow, t.reset);
    if (has_floor(f))
        (void)printf("%sEvery required layer holds: tools can run here.%s\n",
                     t.green, t.reset);
    else
        (void)printf("%sThe layer %s is missing: every call is refused with "
                     "sandbox_unavailable.%s\n",
                     t.red, layer_first(LAYER_FLOOR & ~l->held), t.reset);
}

/* Names of the layers beyond the floor, or of those that are weak. */
static void print_names(const char *head, uint32_t bits)
{
    if (bits == 0)
        return;
    (void)printf("%s", head);
    for (uint32_t b = 1; b < LAYER_BITS_ALL; b <<= 1) {
        if ((bits & b) != 0)
            (void)printf(" %s", layer_name(b));
    }
}

/* Profiles of which this level is not given though others have it. */
static void print_others(const struct doctor_report *r, enum box_level level,
                         struct term t)
{
    for (uint32_t i = 0; i < r->box_count; i++) {
        const struct box_said *b = &r->box[i];

        if (b->level != level || b->given || !b->offered)
            continue;
        (void)printf("%18s%s%s: not served, %s%s%s\n", "",
                     b->expected ? t.dim : t.red, b->profile, b->step,
                     b->expected
                         ? " (expected: its sockets need a network namespace)"
                         : "",
                     t.reset);
    }
}

static void print_boxes(const struct findings *f, struct term t)
{
    const struct doctor_report *r = &f->boxes;

    (void)printf("\n%s%-8s %-8s %s%s\n", t.bold, "LEVEL", "SERVED",
                 "LAYERS BEYOND THE REQUIRED ONES", t.reset);
    for (int i = BOX_BARE; i <= BOX_STRICT; i++) {
        const struct box_said *b = best_of(r, (enum box_level)i);
        bool given = b != NULL && b->given;

        (void)printf("%-8s %s%-8s%s", box_level_name((enum box_level)i),
                     given ? t.green : t.yellow, given ? "yes" : "no", t.reset);
        if (given)
            print_names("", b->layers & ~LAYER_FLOOR);
        if (given)
            print_names("; weakened:", b->weakened);
        (void)printf("\n");
        print_others(r, (enum box_level)i, t);
        if (b != NULL && !b->offered && i > BOX_BARE)
            (void)printf(
                "%18s%s-> %s%s\n", "", t.dim,
                doctor_remedy(i == BOX_UID ? LAYER_UID : LAYER_NAMESPACES),
                t.reset);
    }
    if (r->trouble[0] != '\0')
        (void)printf("%s%s%s\n", t.red, r->trouble, t.reset);
    if (r->uids[0] != '\0' && r->is_whole)
        (void)printf("%s%s%s\n", t.yellow, r->uids, t.reset);
    (void)printf("\n%u launchers as user %s tried their boxes with the canary "
                 "in %llu ms.\n",
                 r->launchers, r->user,
                 (unsigned long long)(r->took_us / 1000));
    if (has_hole(r))
        (void)printf("%sThe canary could do what a layer is said to stop: do "
                     "not trust the levels that are not served, and report "
                     "this.%s\n",
                     t.red, t.reset);
}

static void print_lines(const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");

        (void)printf("  ");
        term_print((struct ts_str){text, n});
        (void)printf("\n");
        text += n + (text[n] == '\n');
    }
}

static void print_tools(const struct findings *f, struct term t)
{
    if (f->config == NULL)
        return;
    (void)printf("\n%sTOOLS of %s%s\n", t.bold, f->config, t.reset);
    if (f->config_text[0] != '\0')
        print_lines(f->config_text);
    for (uint32_t i = 0; f->tools != NULL && i < f->tools->refused_count; i++) {
        (void)printf("  ");
        term_print(f->tools->refused[i].text);
        (void)printf("\n");
    }
    print_lines(f->boxes.unserved);
    if (f->tools != NULL)
        (void)printf("%u tools are read, %u files are refused\n",
                     f->tools->count, f->tools->refused_count);
}

/* What the service would do with it, so far as it is not said above. */
static void print_settings(const struct findings *f, struct term t)
{
    const struct config *c = &f->settings;

    if (!f->has_settings)
        return;
    (void)printf("\n%sSERVICE of %s%s\n", t.bold, f->config, t.reset);
    (void)printf("  level at most %s; ", c->sandbox.most == BOX_ANY
                                             ? "auto"
                                             : box_level_name(c->sandbox.most));
    if (c->sandbox.uid_count > 0)
        (void)printf("uids of tools %u-%u; ", c->sandbox.uid_first,
                     c->sandbox.uid_first + (c->sandbox.uid_count - 1));
    (void)printf("control groups %s; %s broker\n",
                 c->sandbox.cgroups ? "auto" : "off",
                 c->egress.on ? "with a" : "no");
    if (f->hook.is_configured)
        (void)printf("  %s\n", f->hook.line);
    for (uint32_t i = 0; i < f->state.count; i++) {
        const struct state_remark *r = &f->state.list[i];

        (void)printf("  %s%s%s\n", r->is_fault ? t.red : t.yellow, r->text,
                     t.reset);
    }
    if (f->state.left_out > 0)
        (void)printf("  and %u more\n", f->state.left_out);
    if (f->state.count == 0)
        (void)printf("  its folders and the places that its tools work in are "
                     "as they should be\n");
}

/* ---- JSON ---------------------------------------------------------------- */

static json_t *names_of(uint32_t bits)
{
    json_t *list = json_array();

    for (uint32_t b = 1; b < LAYER_BITS_ALL; b <<= 1) {
        if ((bits & b) != 0)
            (void)json_array_append_new(list, json_string(layer_name(b)));
    }
    return list;
}

static json_t *layers_json(const struct layers *l)
{
    json_t *list = json_array();

    for (size_t i = 0; i < LAYER_COUNT; i++) {
        const struct layer_probe *p = &l->probe[i];

        (void)json_array_append_new(
            list, json_pack("{s:s, s:b, s:b, s:s, s:s, s:s?}", "name",
                            layer_name(p->bit), "holds", p->holds, "required",
                            (p->bit & LAYER_FLOOR) != 0, "errno", why(p),
                            "stops", p->stops, "remedy",
                            p->holds ? NULL : doctor_remedy(p->bit)));
    }
    return list;
}

static json_t *boxes_json(const struct doctor_report *r)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < r->box_count; i++) {
        const struct box_said *b = &r->box[i];

        (void)json_array_append_new(
            list,
            json_pack("{s:s, s:s, s:b, s:b, s:b, s:o, s:o, s:s?}", "profile",
                      b->profile, "level", box_level_name(b->level), "offered",
                      b->offered, "served", b->given, "expected", b->expected,
                      "layers", names_of(b->layers), "weakened",
                      names_of(b->weakened), "step",
                      b->step[0] != '\0' ? b->step : NULL));
    }
    return list;
}

static void add_lines(json_t *list, const char *text)
{
    while (*text != '\0') {
        size_t n = strcspn(text, "\n");

        (void)json_array_append_new(list, json_stringn(text, n));
        text += n + (text[n] == '\n');
    }
}

static json_t *tools_json(const struct findings *f)
{
    json_t *refused;

    if (f->config == NULL)
        return json_null();
    refused = json_array();
    add_lines(refused, f->config_text);
    for (uint32_t i = 0; f->tools != NULL && i < f->tools->refused_count; i++)
        (void)json_array_append_new(
            refused, json_stringn(f->tools->refused[i].text.ptr,
                                  f->tools->refused[i].text.len));
    add_lines(refused, f->boxes.unserved);
    return json_pack("{s:i, s:o}", "read",
                     f->tools != NULL ? (int)f->tools->count : 0, "refused",
                     refused);
}

static json_t *settings_json(const struct findings *f)
{
    const struct config *c = &f->settings;
    json_t *list;

    if (!f->has_settings)
        return json_null();
    list = json_array();
    for (uint32_t i = 0; i < f->state.count; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:b}", "text", f->state.list[i].text,
                            "fault", f->state.list[i].is_fault));
    return json_pack(
        "{s:s, s:I, s:I, s:b, s:b, s:s?, s:O?, s:o, s:i}", "level",
        c->sandbox.most == BOX_ANY ? "auto" : box_level_name(c->sandbox.most),
        "uid_first", (json_int_t)c->sandbox.uid_first, "uid_count",
        (json_int_t)c->sandbox.uid_count, "cgroups", c->sandbox.cgroups,
        "broker", c->egress.on, "hook",
        c->hook.on ? c->hook.how.exec.ptr : NULL, "hook_state", f->hook.json,
        "state", list, "state_left_out", (int)f->state.left_out);
}

static bool print_json(const struct findings *f)
{
    json_t *o = json_pack(
        "{s:i, s:b, s:b, s:i, s:b, s:o, s:o, s:b, s:s?, s:s, s:s?, s:I, s:o, "
        "s:o}",
        "version", 1, "well", is_well(f), "floor", has_floor(f), "landlock_abi",
        f->layers.landlock_abi, "process_limit", f->layers.process_limit,
        "layers", layers_json(&f->layers), "boxes", boxes_json(&f->boxes),
        "launchers_ready", f->boxes.is_whole, "trouble",
        f->boxes.trouble[0] != '\0' ? f->boxes.trouble : NULL, "user",
        f->boxes.user, "uids", f->boxes.uids[0] != '\0' ? f->boxes.uids : NULL,
        "canary_us", (json_int_t)f->boxes.took_us, "tools", tools_json(f),
        "service", settings_json(f));
    bool ok = o != NULL && json_dumpf(o, stdout, JSON_INDENT(2)) == 0 &&
              putchar('\n') != EOF;

    json_decref(o);
    return ok;
}

/* ---- looking ------------------------------------------------------------- */

/* The bundle's descriptor, the caller's; -1: there is none to be had. */
static int read_config(struct findings *f, uint32_t *launchers)
{
    struct manifest_facts facts;
    int dir TS_CLEANUP(ts_fd_close) =
        open(f->config, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct bundle b = {0};
    int fd = -1;
    ts_err e;

    if (dir < 0) {
        (void)snprintf(f->config_text, sizeof(f->config_text), "%s: %s",
                       f->config, strerror(errno));
        return -1;
    }
    f->has_settings = doctor_config(dir, &f->settings, f->config_text);
    if (!f->has_settings)
        return -1;
    e = bundle_collect(dir, &fd, f->config_text, sizeof(f->config_text));
    if (e == TS_OK)
        e = bundle_open(fd, &b);
    if (e == TS_OK) {
        *launchers = manifest_profile_count(&b);
        facts = doctor_facts(&f->settings, BOX_ANY, *launchers);
        e = manifests_load(&b, &facts, 1, &f->tools, f->config_text,
                           sizeof(f->config_text));
        bundle_done(&b);
    }
    if (e != TS_OK && f->config_text[0] == '\0')
        (void)snprintf(f->config_text, sizeof(f->config_text), "%s: %s",
                       f->config, ts_err_text(e));
    if (e != TS_OK)
        ts_fd_close(&fd);
    return fd;
}

static void look(struct findings *f, bool verbose)
{
    struct doctor_service d = {.launchers = BUILT_IN_PROFILES,
                               .verbose = verbose};
    int fd TS_CLEANUP(ts_fd_close) = -1;

    (void)fflush(stdout); /* the children must not print it again */
    if (f->config != NULL)
        fd = read_config(f, &d.launchers);
    d.bundle_fd = fd;
    d.config = f->has_settings ? &f->settings : NULL;
    layers_probe(&f->layers);
    doctor_boxes(&d, &f->boxes);
    if (f->has_settings)
        state_look(&f->settings, f->config, f->tools, &f->state);
    if (f->has_settings)
        doctor_hook(&f->settings, &f->hook);
}

int cmd_doctor(int argc, char **argv)
{
    static struct findings f; /* too large for the stack */
    bool json = false, verbose = false, ok = true;
    const struct cli_option options[] = {
        {"--config", "DIR",
         "as a service with this tipstaff.yaml would; and which of its tools "
         "cannot be served here",
         CLI_TEXT, &f.config, false},
        {"--json", NULL, "one JSON object instead of columns", CLI_FLAG, &json,
         false},
        {"-j", NULL, NULL, CLI_FLAG, &json, false},
        {"--verbose", NULL, "the launchers' own log, to standard error",
         CLI_FLAG, &verbose, false},
    };
    const struct cli_usage usage = {
        .name = "tipstaff doctor",
        .operands = "",
        .about =
            "Tries every sandbox layer in a throw-away child, has launchers "
            "try their boxes with the canary,\nand says what this host gives "
            "and what to do for more.\nExit code 0 if all is well: required "
            "layers hold, no box has a hole, no tool is refused.",
        .options = options,
        .option_count = sizeof(options) / sizeof(options[0]),
        .examples = "  tipstaff doctor\n"
                    "  tipstaff doctor --config /etc/tipstaff\n"
                    "  tipstaff doctor --json | jq '.boxes[] | "
                    "select(.served)'\n",
    };
    char **operand;
    size_t count;
    int code;

    memset(&f, 0, sizeof(f));
    if (!cli_parse(&usage, argc, argv, &operand, &count, &code))
        return code;
    look(&f, verbose);
    if (json) {
        ok = print_json(&f);
    } else {
        const struct term t = term_stdout();

        print_layers(&f, t);
        print_boxes(&f, t);
        print_settings(&f, t);
        print_tools(&f, t);
    }
    ok = ok && is_well(&f);
    manifests_free(f.tools);
    doctor_hook_done(&f.hook);
    if (f.has_settings)
        config_done(&f.settings);
    return ok ? CLI_OK : CLI_FAILED;
}
