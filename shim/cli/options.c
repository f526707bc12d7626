/* The command line, and what --help says. */
#include "shim/cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/ts_str.h"

#define TIMEOUT_MS 30000
/* Programs that run tools for agents give up after a minute (MCP's SDKs). */
#define HOLD_MS 50000

static const char help[] =
    "Usage: tipstaff-shim call TOOL [NAME=TEXT | NAME:=JSON]...\n"
    "       tipstaff-shim call TOOL --json FILE|-\n"
    "       tipstaff-shim call --batch\n"
    "       tipstaff-shim check TOOL [NAME=TEXT | NAME:=JSON]...\n"
    "       tipstaff-shim check --batch\n"
    "       tipstaff-shim tools [--json]\n"
    "       tipstaff-shim ping\n"
    "       tipstaff-shim end\n"
    "       tipstaff-shim revoke CHAINFILE [--block N]\n"
    "Asks the Tipstaff sidecar to run a tool, or whether it would. end gives\n"
    "the delegation back: it is revoked for good, and what runs is killed.\n"
    "revoke takes back what was handed on in CHAINFILE.\n"
    "\n"
    "  --stdin            send standard input to the tool\n"
    "  --json FILE        arguments as one JSON object (- is standard input)\n"
    "  --batch            one JSON object a line in, one a line out\n"
    "  --deadline MS      end the tool after MS milliseconds\n"
    "  --provenance LABEL where this call's inputs come from; repeatable\n"
    "  --traceparent T    W3C trace context\n"
    "  --wait TIME        when people are asked: wait that long for them, "
    "such\n"
    "                     as 90s or 10m, up to 1h; 0 does not (50s, a batch "
    "0)\n"
    "  --handle           not the output, but a handle for arguments of later\n"
    "                     calls, and what it looks like: "
    "NAME='$ref:call-3#/0/id'\n"
    "  --max-inline BYTES the same of an output that is longer (at most "
    "262144)\n"
    "  --events           what happens to the call as JSON lines on standard\n"
    "                     error\n"
    "  --retry-id HEX     32 digits; the outcome of that earlier, identical\n"
    "                     call, never a second run\n"
    "  --sign             sign every call [TIPSTAFF_SIGN_CALLS=1]\n"
    "  --block N          revoke: that block and all below it; 0 is the whole\n"
    "                     grant (the block after this holder's)\n"
    "  --issuer FILE      revoke: the issuer's public key (CHAINFILE.issuer)\n"
    "  --reason TEXT      revoke: for the log\n"
    "  --timeout MS       for the handshake and for each answer (30000)\n"
    "\n"
    "The session (variable in brackets):\n"
    "  --socket PATH      [TIPSTAFF_SOCKET] " TIPSTAFF_SOCKET_DEFAULT "\n"
    "  --chain FILE       [TIPSTAFF_DELEGATION] delegation chain\n"
    "  --key FILE         [TIPSTAFF_KEY] seed of its last holder\n"
    "  --sidecar-key FILE [TIPSTAFF_SIDECAR_KEY] the sidecar's public key\n"
    "\n"
    "Exit: the tool's own code, 128+N if it died of signal N;\n"
    "  104 denied   105 people were asked and have not said yes yet: the same\n"
    "  call again runs once they have   106 permitted, not started\n"
    "  107 no sidecar, or lost (outcome unknown)   108 bad usage\n"
    "  130/143 interrupted. A batch exits 0 when every line was answered.\n";

enum {
    OPT_SOCKET = 256,
    OPT_CHAIN,
    OPT_KEY,
    OPT_SIDECAR_KEY,
    OPT_STDIN,
    OPT_JSON_FILE,
    OPT_JSON_FLAG,
    OPT_BATCH,
    OPT_DEADLINE,
    OPT_PROVENANCE,
    OPT_TRACEPARENT,
    OPT_RETRY_ID,
    OPT_TIMEOUT,
    OPT_SIGN,
    OPT_WAIT,
    OPT_EVENTS,
    OPT_HANDLE,
    OPT_MAX_INLINE,
    OPT_BLOCK,
    OPT_ISSUER,
    OPT_REASON,
    OPT_HELP
};

#define SESSION_OPTIONS                                                        \
    {"socket", required_argument, NULL, OPT_SOCKET},                           \
        {"chain", required_argument, NULL, OPT_CHAIN},                         \
        {"key", required_argument, NULL, OPT_KEY},                             \
        {"sidecar-key", required_argument, NULL, OPT_SIDECAR_KEY},             \
        {"timeout", required_argument, NULL, OPT_TIMEOUT},                     \
        {"sign", no_argument, NULL, OPT_SIGN},                                 \
    {                                                                          \
        "help", no_argument, NULL, OPT_HELP                                    \
    }

static const struct option call_options[] = {
    SESSION_OPTIONS,
    {"stdin", no_argument, NULL, OPT_STDIN},
    {"json", required_argument, NULL, OPT_JSON_FILE},
    {"batch", no_argument, NULL, OPT_BATCH},
    {"deadline", required_argument, NULL, OPT_DEADLINE},
    {"provenance", required_argument, NULL, OPT_PROVENANCE},
    {"traceparent", required_argument, NULL, OPT_TRACEPARENT},
    {"retry-id", required_argument, NULL, OPT_RETRY_ID},
    {"wait", required_argument, NULL, OPT_WAIT},
    {"events", no_argument, NULL, OPT_EVENTS},
    {"handle", no_argument, NULL, OPT_HANDLE},
    {"max-inline", required_argument, NULL, OPT_MAX_INLINE},
    {NULL, 0, NULL, 0}};
static const struct option check_options[] = {
    SESSION_OPTIONS,
    {"json", required_argument, NULL, OPT_JSON_FILE},
    {"batch", no_argument, NULL, OPT_BATCH},
    {"provenance", required_argument, NULL, OPT_PROVENANCE},
    {"traceparent", required_argument, NULL, OPT_TRACEPARENT},
    {NULL, 0, NULL, 0}};
static const struct option tools_options[] = {
    SESSION_OPTIONS,
    {"json", no_argument, NULL, OPT_JSON_FLAG},
    {NULL, 0, NULL, 0}};
static const struct option ping_options[] = {SESSION_OPTIONS,
                                             {NULL, 0, NULL, 0}};

static const struct option revoke_options[] = {
    SESSION_OPTIONS,
    {"block", required_argument, NULL, OPT_BLOCK},
    {"issuer", required_argument, NULL, OPT_ISSUER},
    {"reason", required_argument, NULL, OPT_REASON},
    {NULL, 0, NULL, 0}};

static const struct {
    const char *name;
    const struct option *options;
} commands[] = {[COMMAND_CALL] = {"call", call_options},
                [COMMAND_CHECK] = {"check", check_options},
                [COMMAND_TOOLS] = {"tools", tools_options},
                [COMMAND_PING] = {"ping", ping_options},
                [COMMAND_END] = {"end", ping_options},
                [COMMAND_REVOKE] = {"revoke", revoke_options}};

static int bad_usage(const char *what, const char *value)
{
    (void)fprintf(stderr, "tipstaff-shim: %s%s%s; see --help\n", what,
                  value[0] != '\0' ? ": " : "", value);
    return TIPSTAFF_EXIT_USAGE;
}

static bool parse_number(const char *s, uint64_t max, uint64_t *ret)
{
    unsigned long long v;
    char *end;

    errno = 0;
    if (s[0] < '0' || s[0] > '9')
        return false;
    v = strtoull(s, &end, 10);
    if (errno != 0 || *end != '\0' || v > max)
        return false;
    *ret = v;
    return true;
}

static int take_retry_id(struct options *o, const char *value)
{
    o->retry = true;
    if (ts_hex_decode(value, strlen(value), o->retry_id, sizeof(o->retry_id)) !=
        TS_OK)
        return bad_usage("--retry-id is not 32 hex digits", value);
    return -1;
}

static int take_label(struct options *o, const char *value)
{
    if (o->provenance_count == TS_PROVENANCE_MAX)
        return bad_usage("too many --provenance labels", value);
    o->provenance[o->provenance_count++] = value;
    return -1;
}

static int take_number(struct options *o, int opt, const char *value)
{
    uint64_t v;

    if (!parse_number(value, TS_WALL_HARD_MS, &v) || v == 0)
        return bad_usage(opt == OPT_DEADLINE
                             ? "--deadline is a number of milliseconds"
                             : "--timeout is a number of milliseconds",
                         value);
    if (opt == OPT_DEADLINE)
        o->deadline_ms = v;
    else
        o->timeout_ms = (int)v;
    return -1;
}

/* "90", "90s", "10m", "1h"; 0 is fine. */
static int take_wait(struct options *o, const char *value)
{
    char digits[16];
    size_t n = strspn(value, "0123456789");
    uint64_t v, unit = 1000;

    if (value[n] == 'm')
        unit = 60000;
    else if (value[n] == 'h')
        unit = 3600000;
    else if (value[n] != '\0' && value[n] != 's')
        return bad_usage("--wait is a time such as 90s, 10m or 0", value);
    if (n == 0 || n >= sizeof(digits) ||
        (value[n] != '\0' && value[n + 1] != 0))
        return bad_usage("--wait is a time such as 90s, 10m or 0", value);
    memcpy(digits, value, n);
    digits[n] = '\0';
    if (!parse_number(digits, TS_HOLD_MAX_MS / unit, &v))
        return bad_usage("--wait is at most 1h", value);
    o->hold_ms = (uint32_t)(v * unit);
    o->hold_said = true;
    return -1;
}

static int take_inline(struct options *o, const char *value)
{
    uint64_t v;

    if (!parse_number(value, TS_INLINE_MAX, &v))
        return bad_usage("--max-inline is a number of bytes, at most 262144",
                         value);
    o->keep = true;
    o->inline_max = (uint32_t)v;
    return -1;
}

static int take_block(struct options *o, const char *value)
{
    uint64_t v;

    if (!parse_number(value, TS_BLOCKS_MAX - 1, &v))
        return bad_usage("--block is a number from 0 to 7", value);
    o->revocation.block = (int)v;
    return -1;
}

/* Where an option goes that is only noted; NULL for others. */
static const char **text_of(struct options *o, int opt)
{
    switch (opt) {
    case OPT_SOCKET:
        return &o->session.socket;
    case OPT_CHAIN:
        return &o->session.chain;
    case OPT_KEY:
        return &o->session.key;
    case OPT_SIDECAR_KEY:
        return &o->session.sidecar_key;
    case OPT_JSON_FILE:
        return &o->json_file;
    case OPT_TRACEPARENT:
        return &o->traceparent;
    case OPT_ISSUER:
        return &o->revocation.issuer;
    case OPT_REASON:
        return &o->revocation.reason;
    default:
        return NULL;
    }
}

static bool *flag_of(struct options *o, int opt)
{
    switch (opt) {
    case OPT_STDIN:
        return &o->input;
    case OPT_JSON_FLAG:
        return &o->as_json;
    case OPT_SIGN:
        return &o->session.sign_calls;
    case OPT_EVENTS:
        return &o->events;
    case OPT_BATCH:
        return &o->batch;
    default:
        return NULL;
    }
}

static int take(struct options *o, int opt, const char *value)
{
    const char **text = text_of(o, opt);
    bool *flag = flag_of(o, opt);

    if (text != NULL)
        *text = value;
    if (flag != NULL)
        *flag = true;
    if (text != NULL || flag != NULL)
        return -1;
    switch (opt) {
    case OPT_WAIT:
        return take_wait(o, value);
    case OPT_HANDLE:
        return take_inline(o, "0");
    case OPT_MAX_INLINE:
        return take_inline(o, value);
    case OPT_BLOCK:
        return take_block(o, value);
    case OPT_PROVENANCE:
        return take_label(o, value);
    case OPT_RETRY_ID:
        return take_retry_id(o, value);
    case OPT_DEADLINE:
    case OPT_TIMEOUT:
        return take_number(o, opt, value);
    case OPT_HELP:
        (void)fputs(help, stdout);
        return 0;
    default:
        return TIPSTAFF_EXIT_USAGE;
    }
}

/* What getopt stumbled over, told as everything is. optopt is a letter, or of a
 * long option what it is here, or 0: none of ours. */
static int not_understood(int why, char **argv)
{
    const char letter[] = {'-', (char)optopt, '\0'};

    if (optopt > 0 && optopt < OPT_SOCKET)
        return bad_usage("unknown option", letter);
    if (optopt == 0)
        return bad_usage("unknown option", argv[optind - 1]);
    return bad_usage(why == ':' ? "a value is missing" : "takes no value",
                     argv[optind - 1]);
}

/* What is wrong with the whole, or -1: of a command that makes no single call,
 */
static int check_without_tool(const struct options *o)
{
    if (o->tool != NULL || o->word_count > 0)
        return bad_usage("this takes no tool", o->tool != NULL ? o->tool : "");
    if (o->json_file != NULL || o->input || o->retry)
        return bad_usage("--json, --stdin and --retry-id go with one call", "");
    if (o->events)
        return bad_usage("--events goes with one call", "");
    return -1;
}

/* and of one that does. */
static int check_with_tool(const struct options *o)
{
    if (o->tool == NULL)
        return bad_usage("which tool?", "");
    if (o->json_file != NULL && o->word_count > 0)
        return bad_usage("arguments come from --json or from words, not both",
                         o->words[0]);
    if (o->json_file != NULL && strcmp(o->json_file, "-") == 0 && o->input)
        return bad_usage("standard input is either --json - or --stdin", "");
    return -1;
}

static int check_whole(const struct options *o)
{
    if (o->command == COMMAND_REVOKE)
        return o->tool != NULL && o->word_count == 0
                   ? -1
                   : bad_usage("revoke takes one file: the chain that was "
                               "handed on",
                               "");
    return (o->command == COMMAND_CALL || o->command == COMMAND_CHECK) &&
                   !o->batch
               ? check_with_tool(o)
               : check_without_tool(o);
}

int options_parse(int argc, char **argv, struct options *ret)
{
    struct options o = {.timeout_ms = TIMEOUT_MS, .revocation.block = -1};
    size_t c = 0;
    int opt, end = -1;

    if (argc >= 2 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return take(&o, OPT_HELP, "");
    while (argc >= 2 && c < sizeof(commands) / sizeof(commands[0]) &&
           strcmp(commands[c].name, argv[1]) != 0)
        c++;
    if (argc < 2 || c == sizeof(commands) / sizeof(commands[0]))
        return bad_usage("no such command", argc < 2 ? "" : argv[1]);
    o.command = (enum command)c;
    argc--;
    argv++;
    opterr = 0;
    while (end < 0 && (opt = getopt_long(argc, argv, ":", commands[c].options,
                                         NULL)) != -1)
        end = opt == ':' || opt == '?' ? not_understood(opt, argv)
                                       : take(&o, opt, optarg);
    if (end >= 0)
        return end;
    if (optind < argc)
        o.tool = argv[optind++];
    o.words = argv + optind;
    o.word_count = argc - optind;
    end = check_whole(&o);
    if (!o.hold_said && !o.batch)
        o.hold_ms = HOLD_MS;
    if (end < 0)
        *ret = o;
    return end;
}
