#ifndef SIDECAR_COMMON_MANIFEST_MANIFEST_H
#define SIDECAR_COMMON_MANIFEST_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/ts_arena.h"
#include "proto/base/ts_attr.h"
#include "proto/base/ts_err.h"
#include "proto/base/ts_str.h"
#include "proto/msg/order.h"
#include "proto/wire/limits.h"

/*
 * A tool, as its YAML manifest declares it. The gate uses it to check the
 * arguments and to find action and resource; the launcher uses it to build
 * argv and the sandbox. Both run the same code over the same bytes, so they
 * cannot disagree. docs/TOOLS.md is the manual; example:
 *
 *   tool: fs.read
 *   description: Print one file of the workspace
 *   exec: /usr/bin/cat
 *   argv: ["cat", "--", "{path}"]
 *   action: fs.read                    # Action::"fs.read"; default: the tool
 *   args:
 *     path: {type: path, required: true, description: "file to read"}
 *   resource: {type: File, arg: path, root: /srv/workspace, access: read}
 *   seccomp: files
 *   sandbox: full
 *   limits: {wall_ms: 5000, memory_mb: 256, processes: 16}
 *   require: [landlock]
 */
enum arg_type {
    ARG_STRING = 1,
    ARG_INT,
    ARG_BOOL,
    ARG_PATH,    /* a string that is canonicalised as a path */
    ARG_URL,     /* a string that is canonicalised as an absolute URL */
    ARG_STRINGS, /* a list of strings; "{name...}" makes a word of each */
    ARG_DECIMAL, /* an exact number with at most four fraction digits; comes as
                    a whole number, a float or a text */
    ARG_JSON     /* any value; canonical JSON text, see manifest_json() */
};

/* What an argument is to provenance: authority says who, what or where, content
 * is what a person would read. Authority unless the manifest says otherwise. */
enum arg_role {
    ROLE_AUTHORITY = 0,
    ROLE_CONTENT
};

struct manifest_arg {
    struct ts_str name;
    struct ts_str description;
    enum arg_type type;
    enum arg_role role;
    bool is_id; /* `match: id`: compared whole, with ids of outputs only */
    bool required;
    int64_t min, max;   /* ints: range; decimals: the same in ten-thousandths;
                           strings and json: length in bytes */
    uint32_t max_items; /* ARG_STRINGS */
    struct ts_str const *one_of; /* allowed values, or NULL */
    uint32_t one_of_count;
    bool allow_dash; /* a value may start with "-" where options are read */
};

enum resource_kind {
    RESOURCE_TOOL = 0, /* no resource argument: Tool::"name" */
    RESOURCE_FILE,     /* File::"/abs/path", parents Dir::... */
    RESOURCE_DIR,      /* Dir::"/abs/path", parents Dir::... */
    RESOURCE_URL,      /* Url::"https://host/path", parents Host::... */
    RESOURCE_NAMED     /* Type::"value of the argument", type from manifest */
};

/*
 * What the output of a tool is, for provenance: whether it is JSON, who wrote
 * it, and who may know it. Patterns are pointers (RFC 6901) into one JSON value
 * in which a segment "*" is any one segment; each covers what lies below it,
 * too (leaf_pattern_covers() of sidecar/gate/provenance/leaves.h).
 */
enum output_format {
    OUTPUT_TEXT = 0,
    OUTPUT_JSON
};
enum output_integrity {
    OUTPUT_UNTRUSTED = 0, /* strangers may have written it */
    OUTPUT_TRUSTED
};
enum output_confidentiality {
    OUTPUT_OF_RESOURCE = 0, /* the resource's sensitivity, as policies see it */
    OUTPUT_PUBLIC,
    OUTPUT_INTERNAL,
    OUTPUT_PRIVATE, /* "confidential" among sensitivities */
    OUTPUT_SECRET
};
#define MANIFEST_PATTERNS_MAX 64   /* of one list */
#define MANIFEST_PATTERN_MAX  1024 /* bytes */
struct manifest_patterns {
    struct ts_str const *list;
    uint32_t count;
};
/* When the agent is not given an output, but a name for it that arguments of
 * later calls can use (docs/PROVENANCE.md). */
enum output_withhold {
    WITHHOLD_DERIVED = 0, /* when the call was made with a secret that was kept
                             back: it may be in the output */
    WITHHOLD_NEVER,       /* not even then */
    WITHHOLD_SECRET,      /* when there is something secret in it */
    WITHHOLD_ALWAYS,
    WITHHOLD_OVER /* when it is longer than withhold_bytes */
};
/* Narrow forms of values, by which a leaf that strangers write selects
 * (sidecar/gate/provenance/forms.h has the same, in the same order). */
enum manifest_form {
    MANIFEST_FORM_NAME = 0,
    MANIFEST_FORM_EMAIL,
    MANIFEST_FORM_ACCOUNT,
    MANIFEST_FORM_NUMBER,
    MANIFEST_FORM_DATE
};
#define MANIFEST_FORMS 5
struct manifest_output { /* all zero where a manifest says nothing */
    bool declared;       /* there is an `output:` */
    enum output_format format;
    enum output_integrity integrity;
    /* Of JSON only: */
    struct manifest_patterns untrusted; /* what is not, of a trusted output */
    struct manifest_patterns trusted;   /* what is, of an untrusted one */
    struct manifest_patterns ids;       /* what `match: id` finds */
    struct manifest_patterns secret;    /* leaves that are secret */
    /* untrusted leaves that are trusted while they have the form */
    struct manifest_patterns selectors[MANIFEST_FORMS];
    /* what it prints there is its own word, even if it was asked for just that;
     * of text only "" */
    struct manifest_patterns vouches;
    enum output_confidentiality confidentiality;
    enum output_withhold withhold;
    uint32_t withhold_bytes; /* of WITHHOLD_OVER */
};

enum output_policy {
    OUTPUT_TRUNCATE = 0,
    OUTPUT_KILL = 1
};

struct manifest_limits {
    uint64_t wall_ms;
    uint64_t cpu_s;
    uint64_t memory_mb;
    uint64_t processes;
    uint64_t file_size_mb;
    uint64_t open_files;
    uint64_t output_bytes;
    uint64_t tmp_mb; /* size of the private /tmp of a full box; 1..65536 */
    enum output_policy on_output_limit;
};

enum manifest_log {
    LOG_KEYS = 0,
    LOG_DIGEST = 1,
    LOG_FULL = 2
};

/* Of an identity token that the sidecar mints for each call of the tool
 * (docs/IDENTITY.md); ttl_s is 0 when it wants none. */
struct manifest_token {
    struct ts_str audience; /* printable ASCII, no spaces */
    struct ts_str scope;    /* RFC 6749 scope tokens, single spaces; or "" */
    uint64_t ttl_s;         /* 1..MANIFEST_TOKEN_TTL_MAX */
};
#define MANIFEST_TOKEN_TTL_MAX  60  /* seconds */
#define MANIFEST_TOKEN_TEXT_MAX 256 /* bytes of audience and of scope */

/*
 * What a tool may reach on the network (docs/EGRESS.md). Names and ports here
 * are the whole list: an empty one allows nothing.
 */
enum network_mode {
    NETWORK_NONE = 0,
    NETWORK_BROKER = 1, /* asks the broker at a descriptor, or by a preload */
    NETWORK_PROXY = 2   /* HTTP and SOCKS5 at 127.0.0.1:3128, in a network
                           namespace that holds nothing else; needs BOX_FULL */
};
struct manifest_cidr {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint8_t prefix;      /* 0..128, of the sixteen bytes */
};
#define MANIFEST_HOST_PORTS     16
#define MANIFEST_HOST_METHODS   16
#define MANIFEST_HOST_PATHS     32
#define MANIFEST_HOST_ADDRESSES 16
#define MANIFEST_HOSTS_MAX      64
struct manifest_host {
    struct ts_str host; /* lower case, no trailing dot: a name, "*.name" (one
                           label or more before it), or an address without
                           brackets, which then must be in addresses too */
    uint16_t const *ports;
    uint32_t port_count;
    /* For HTTP in absolute form only. Empty: any, and CONNECT is possible. */
    struct ts_str const *methods; /* upper case */
    uint32_t method_count;
    struct ts_str const *paths; /* globs, see docs/EGRESS.md */
    uint32_t path_count;
    bool tls; /* the broker speaks TLS to it, the tool plain HTTP to the broker
               */
    /* Addresses of classes that are refused otherwise (loopback, private). */
    struct manifest_cidr const *addresses;
    uint32_t address_count;
};
struct manifest_network {
    enum network_mode mode;
    struct manifest_host const *allow;
    uint32_t allow_count;
    uint32_t max_connections; /* open at once, 1..1024; default 64 */
    uint64_t max_bytes;       /* both ways, of a call; default 256 MiB */
};

/*
 * A secret of a tool. It is never in argv, environment or records. The gate
 * does not know it either (sidecar/common/tripwire/tripwire.h).
 */
enum secret_source {
    SECRET_CREDENTIAL = 1, /* of the service manager, by name */
    SECRET_FILE,           /* an absolute path, read by the launcher (or broker)
                              when the manifest is loaded */
    SECRET_IDENTITY_TOKEN  /* what identity_token mints for the call; HEADER */
};
enum secret_delivery {
    SECRET_PIPE = 1, /* can be read once */
    SECRET_MEMFD,    /* sealed, can be read again */
    SECRET_HEADER    /* never given: the broker adds it upstream */
};
#define MANIFEST_SECRETS_MAX 8
#define MANIFEST_SECRET_MIN                                                    \
    8 /* bytes; shorter cannot be recognised in output */
#define MANIFEST_SECRET_MAX 4096
struct manifest_secret {
    struct ts_str name; /* [A-Z][A-Z0-9_]*; TIPSTAFF_SECRET_<name>_FD */
    enum secret_source source;
    struct ts_str from; /* credential's name or path; "" for the token */
    enum secret_delivery delivery;
    struct ts_str header;       /* HEADER: field name, e.g. Authorization */
    struct ts_str prefix;       /* before the value, e.g. "Bearer " */
    struct ts_str const *hosts; /* HEADER: of network.allow, as written there */
    uint32_t host_count;
};

struct manifest_pair {
    struct ts_str key, value;
};

#define MANIFEST_KEYS 12 /* whose lines are kept, for who looks at the host */

struct manifest {       /* everything lives in the arena given to the loader */
    struct ts_str file; /* its name in the bundle, for messages */
    struct ts_str tool;
    uint32_t tool_line;                /* where it says so */
    uint32_t key_lines[MANIFEST_KEYS]; /* see manifest_key_line() */
    struct ts_str description;
    struct ts_str action;
    struct ts_str exec;        /* absolute path of the program */
    struct ts_str const *argv; /* template words */
    uint32_t argv_count;
    struct manifest_arg *args;
    uint32_t arg_count;
    enum resource_kind resource;
    struct ts_str resource_type; /* Cedar type name: File, Dir, Url, Repo... */
    struct ts_str resource_arg;  /* "" for RESOURCE_TOOL or a fixed path */
    struct ts_str resource_path; /* fixed absolute path instead of an arg */
    struct ts_str resource_root; /* absolute; paths may not leave it */
    enum order_access access;
    bool stdin_allowed;
    bool failed_counts; /* a call that failed may have done something */
    struct ts_str cwd;  /* absolute, default: the resource root, else "/" */
    struct ts_str const *read_paths; /* extra paths readable at run time */
    uint32_t read_count;
    struct ts_str const *write_paths;
    uint32_t write_count;
    struct ts_str const *exec_paths; /* extra programs it may start */
    uint32_t exec_count;
    struct manifest_pair *env;
    uint32_t env_count;
    struct ts_str seccomp; /* profile name: pure, files, build, net, jit, or a
                              file of sandbox/ */
    enum box_level box;    /* the least that it needs; BOX_ANY: no demand */
    bool no_init;          /* the tool itself is process 1 of its namespace */
    uint8_t program_digest[32]; /* SHA-256 that exec must have */
    bool has_program_digest;
    struct manifest_network network;
    struct manifest_secret const *secrets;
    uint32_t secret_count;
    struct ts_str scratch; /* absolute base of a private directory a call, "" */
    uint32_t require; /* layer_bit that must hold, or the call is refused */
    struct manifest_limits limits;
    struct manifest_token token;
    struct manifest_output output;
    enum manifest_log log;
    uint32_t launcher;  /* index of the launcher that runs it: of its profile */
    uint8_t digest[32]; /* BLAKE2b-256 of the file's bytes */
};

/*
 * One that is not served. The others are: a mistake in one tool is no reason to
 * take all away. A call of it is answered with CODE_TOOL_UNAVAILABLE.
 */
struct manifest_refused {
    struct ts_str file;
    struct ts_str tool; /* "" when it cannot be told */
    uint32_t line;      /* from 1 */
    struct ts_str text; /* "FILE:LINE: what; what to do" */
};

struct manifests { /* one generation; immutable but for `unserved` */
    struct ts_arena arena;
    struct manifest *list; /* sorted by tool */
    uint32_t count;
    const struct manifest_refused *refused; /* sorted by file */
    uint32_t refused_count;
    struct manifest_refused *unserved; /* in the order of manifest_unserve() */
    uint32_t unserved_count;
    uint64_t generation;
};

/* What is known beside the files. Gate, launchers and broker are told the same
 * (control_start), so that all of them serve and refuse the same tools. */
struct manifest_facts {
    bool has_broker;     /* a manifest may have `network:` */
    bool has_token_key;  /* a manifest may have `identity_token:` */
    enum box_level most; /* `sandbox.level` of tipstaff.yaml; BOX_ANY: all */
    uint32_t launchers;  /* one for each profile; 0 and 1: one runs all */
};

struct bundle;
struct control_start;
struct manifest_facts manifest_facts_of(const struct control_start *s);

/* Parses every tools/NAME.yaml of the bundle. What is wrong with one of them
 * goes into `refused`, and two that declare the same tool are both refused.
 * Fails only for want of memory or when there are more than TS_TOOLS_MAX files;
 * then nothing is returned and reterr_text holds "FILE:LINE: what; what to do".
 */
TS_NODISCARD ts_err manifests_load(const struct bundle *b,
                                   const struct manifest_facts *facts,
                                   uint64_t generation, struct manifests **ret,
                                   char *reterr_text, size_t reterr_cap);
/* The same of a bundle as it comes from the supervisor, which is taken over. If
 * it is none, reterr_text says that. */
TS_NODISCARD ts_err manifests_read(int bundle_fd,
                                   const struct manifest_facts *facts,
                                   uint64_t generation, struct manifests **ret,
                                   char *reterr_text, size_t reterr_cap);
void manifests_free(struct manifests *m);
/* The line of a key, of the manifest if it has none: exec, digest, cwd,
 * scratch, resource, read_paths, write_paths, exec_paths, sandbox, require,
 * secrets, seccomp. */
uint32_t manifest_key_line(const struct manifest *m, const char *key);
const struct manifest *manifests_find(const struct manifests *m,
                                      struct ts_str tool);
/* NULL if no refused manifest is known to be of that tool. */
const struct manifest_refused *manifests_refused(const struct manifests *m,
                                                 struct ts_str tool);

/* One of the list that a launcher cannot serve on its host; text is "FILE:LINE:
 * what; what to do", and copied. The gate alone is told of it. Twice is once.
 * TS_E_INVALID: text is about another file. */
TS_NODISCARD ts_err manifest_unserve(struct manifests *m,
                                     const struct manifest *tool,
                                     struct ts_str text);
bool manifest_is_unserved(const struct manifests *m,
                          const struct manifest *tool);

/* The launcher that runs tools of a seccomp profile: pure, files, build, net,
 * jit are 0 to 4, then the names of sandbox/NAME.yaml in their order. False if
 * there is no such profile. */
bool manifest_profile_index(const struct bundle *b, struct ts_str name,
                            uint32_t *ret);
uint32_t manifest_profile_count(const struct bundle *b);

/* One argument value of a call, checked against its declaration. */
struct arg_value {
    const struct manifest_arg *decl;
    struct ts_str text;   /* string; path, url, decimal, json: canonical */
    int64_t integer;      /* ARG_INT, ARG_BOOL (0 or 1), ARG_DECIMAL (the number
                             times 10000, as Cedar holds it) */
    struct ts_str *items; /* ARG_STRINGS */
    uint32_t item_count;
};

struct call_args { /* lives in the arena; present arguments, manifest order.
                      String values borrow from the argument bytes. */
    struct arg_value *values;
    uint32_t count;
    struct ts_str resource; /* canonical resource id: path, URL or name */
};

/*
 * Decodes the argument map of a call, checks every value (unknown argument,
 * missing argument, type, range, NUL bytes, canonical path beneath the root)
 * and finds the resource. Pure: no file system. Error: *reterr_text is a
 * sentence that names the argument.
 */
TS_NODISCARD ts_err manifest_args(const struct manifest *m,
                                  struct ts_bytes args, struct ts_arena *arena,
                                  struct call_args *ret, char *reterr_text,
                                  size_t reterr_cap);

/* The same of arguments as a decision record holds them (`log: full`), to be
 * asked about again: JSON is the text that was made of it then. */
TS_NODISCARD ts_err manifest_args_recorded(
    const struct manifest *m, struct ts_bytes args, struct ts_arena *arena,
    struct call_args *ret, char *reterr_text, size_t reterr_cap);

/* argv as NUL-terminated words in the arena, NULL-terminated list. */
TS_NODISCARD ts_err manifest_argv(const struct manifest *m,
                                  const struct call_args *args,
                                  struct ts_arena *arena, char ***ret,
                                  uint32_t *ret_count);

/*
 * Decimals: an exact number of ten-thousandths, and one text for each: a "-" if
 * negative, digits without needless zeros, and a fraction only if there is one:
 * 12, 12.5, -0.0001.
 */
#define DECIMAL_TEXT_MAX 24 /* bytes, without NUL */
/* "-"? digits ("." 1 to 4 digits)?, no needless zeros before. TS_E_FORMAT;
 * TS_E_LIMIT: beyond what 64 bits hold. */
TS_NODISCARD ts_err decimal_parse(struct ts_str text, int64_t *ret);
/* The number of which this is the nearest float, if it has at most 15 digits.
 * TS_E_FORMAT: more than four of them are a fraction; TS_E_LIMIT: too large for
 * a float to be exact. */
TS_NODISCARD ts_err decimal_of_float(double v, int64_t *ret);
/* Returns the length; writes no NUL. */
size_t decimal_text(int64_t tenthousandths, char out[DECIMAL_TEXT_MAX]);

/*
 * One msgpack value as JSON text (RFC 8259) of which there is one only: no
 * spaces, keys sorted by their bytes, strings with no more escapes than
 * needed, whole numbers as they are, floats with the fewest digits that read
 * back as the same float. TS_E_FORMAT: no value, or one that JSON does not have
 * (bytes); TS_E_LIMIT: more than max bytes; TS_E_INVALID: the pointer to some
 * value of it would have more than MANIFEST_PATTERN_MAX bytes.
 */
TS_NODISCARD ts_err manifest_json(struct ts_bytes value, size_t max,
                                  struct ts_arena *arena, struct ts_str *ret);

/*
 * Lexical canonicalisation (no file system). path_canonical: absolute result,
 * relative input is taken from root; "." and ".." and empty segments removed;
 * TS_E_INVALID if it would leave root, or holds NUL. url_canonical: RFC 3986:
 * scheme and host lower-cased, default port dropped, dot segments removed,
 * percent-encoding normalised, no userinfo, no fragment; host must be a valid
 * name or address.
 */
TS_NODISCARD ts_err path_canonical(struct ts_str root, struct ts_str path,
                                   struct ts_arena *arena, struct ts_str *ret);
struct url_parts {
    struct ts_str url; /* canonical */
    struct ts_str scheme;
    struct ts_str host;
    uint16_t port;
    struct ts_str path;
};
TS_NODISCARD ts_err url_canonical(struct ts_str url, struct ts_arena *arena,
                                  struct url_parts *ret);

#endif
