#ifndef CLI_DIRECTORY_PUBLISH_H
#define CLI_DIRECTORY_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/directory/installed.h"
#include "cli/opts.h"

/*
 * A new state of a tenant's directory, signed, put in its place and in force:
 * what apply and patch have in common. The service is asked before the file is
 * replaced, so a state that it refuses is never installed.
 */
struct dir_publish {
    /* options */
    const char *config, *tenant, *key, *socket;
    uint64_t ttl_s, seq, wait_s; /* seq 0: the next */
    bool no_push, dry_run;
    bool is_quiet; /* only errors are printed */
    struct cli_list revocations;
    /* made by dir_publish_begin() */
    struct ts_arena arena;
    struct dir_place place;
    struct dir_trust trust;
    bool has_installed;
    struct dir_found installed;
    uint64_t last_seq; /* the highest that is known; 0: none */
    uint64_t now;
};

#define DIR_PUBLISH_TTL_S   (UINT64_C(30) * 86400)
#define DIR_PUBLISH_TTL_MAX (UINT64_C(3650) * 86400)

/* The options of both; d as above. */
#define DIR_PUBLISH_OPTIONS(d)                                                  \
    {"--config", "DIR",       "the configuration that holds tenants/",          \
     CLI_TEXT,   &(d).config, true},                                            \
        {"--tenant", "NAME",      "whose directory (the only one there is)",    \
         CLI_TEXT,   &(d).tenant, false},                                       \
        {"--key",  "FILE",   "signs it (DIR/keys/directory.seed)",              \
         CLI_TEXT, &(d).key, false},                                            \
        {"--ttl",     "TIME",     "how long it holds (30d)",                    \
         CLI_SECONDS, &(d).ttl_s, false},                                       \
        {"--seq",    "N",      "its number (one more than the installed one)",  \
         CLI_NUMBER, &(d).seq, false},                                          \
        {"--revocation",                                                        \
         "FILE",                                                                \
         "a signed revocation to carry; repeatable",                            \
         CLI_LIST,                                                              \
         &(d).revocations,                                                      \
         false},                                                                \
        {"--socket", "PATH",      "admin.sock (that of DIR/tipstaff.yaml)",     \
         CLI_TEXT,   &(d).socket, false},                                       \
        {"--wait",    "TIME",      "how long to wait for each answer (30s)",    \
         CLI_SECONDS, &(d).wait_s, false},                                      \
        {"--no-push", NULL,         "only install it; do not tell the service", \
         CLI_FLAG,    &(d).no_push, false},                                     \
    {                                                                           \
        "--dry-run", NULL, "show what would change, sign and write nothing",    \
            CLI_FLAG, &(d).dry_run, false                                       \
    }

/* Opens, locks and reads what is installed. Both return an exit code;
 * dir_publish_done() comes after either. */
int dir_publish_begin(struct dir_publish *d);
/* next: lists in order; everything else of it is set here. */
int dir_publish(struct dir_publish *d, struct directory_snapshot *next);
void dir_publish_done(struct dir_publish *d);
/* All three with the source text of a file; an exit code. */
int dir_publish_source(struct dir_publish *d, const char *path);

/* key, or DIR/keys/directory.seed when it is NULL; checks that trust.yaml lists
 * it for directories. Prints its error. */
bool dir_key_load(const struct dir_place *p, const struct dir_trust *t,
                  const char *key, uint64_t now, struct trust_secret *ret);

#endif
