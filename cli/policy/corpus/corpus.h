#ifndef CLI_POLICY_CORPUS_CORPUS_H
#define CLI_POLICY_CORPUS_CORPUS_H

#include <stdbool.h>
#include <stdio.h>

#include "cli/policy/json_out.h"
#include "cli/term.h"
#include "policy/cedar_schema.h"
#include "policy/json/reader.h"

/*
 * tipstaff policy corpus: recorded cases of the cedar-integration-tests format,
 * each a JSON file that names policies, entities and a schema and says what the
 * official engine made of them.
 */

/* What is compared. The order is that of the table. */
/* clang-format off */
#define CORPUS_CHECK_MAP(X)                                                    \
    X(DECISION,   "decisions",               "decisions")                      \
    X(REASONS,    "determining policies",    "reasons")                        \
    X(ERRORS,     "policies in error",       "errors")                         \
    X(VALIDATES,  "shouldValidate",          "should_validate")                \
    X(STRICT,     "policies, strict",        "policies_strict")                \
    X(PERMISSIVE, "policies, permissive",    "policies_permissive")            \
    X(ENTITY,     "entities",                "entities")                       \
    X(REQUEST,    "requests that are valid", "requests")                       \
    X(REQ_STRICT, "requests, strict",        "requests_strict")                \
    X(REQ_PERM,   "requests, permissive",    "requests_permissive")
/* clang-format on */

enum corpus_check {
#define X(id, title, key) CORPUS_##id,
    CORPUS_CHECK_MAP(X)
#undef X
    CORPUS_CHECK_COUNT
};

/* The schema in Cedar syntax, or its twin in JSON. */
enum corpus_form {
    CORPUS_TEXT,
    CORPUS_JSON,
    CORPUS_FORM_COUNT
};

struct corpus_count {
    unsigned long right, wrong;
};

struct corpus {
    bool quiet, json;
    unsigned long max_failures; /* lines that are printed */
    unsigned long shown;
    unsigned long passed, failed; /* cases */
    unsigned long others;         /* files that are not cases */
    struct corpus_count counts[CORPUS_FORM_COUNT][CORPUS_CHECK_COUNT];
    struct term term;
    struct json_out out; /* with json */
    const char *file;    /* the case at hand, as its failures name it */
    bool bad;            /* it has failed */
};

#define CORPUS_PATH       4096               /* bytes of a path */
#define CORPUS_FILE_MAX   ((size_t)64 << 20) /* bytes of one file */
#define CORPUS_CASE_ARENA ((size_t)1 << 30)  /* bytes of what one case needs */
#define CORPUS_CASES_MAX  1000000u

/* ---- corpus_report.c ----------------------------------------------------- */

/* Notes a failure of the case at hand: one line that names it. The text must be
 * escaped already. */
void corpus_fail(struct corpus *c, const char *fmt, ...) TS_PRINTF(2, 3);
/* "WHERE: the first diagnostic with its position". */
void corpus_fail_diags(struct corpus *c, const char *what, ts_err e,
                       const struct cedar_diags *diags);
/* Counts one comparison; true when it is right, so that the caller says what is
 * wrong with it otherwise. */
bool corpus_count(struct corpus *c, enum corpus_form form,
                  enum corpus_check check, bool right);
void corpus_progress(const struct corpus *c, size_t done, size_t all);
/* The table and the last line, or the end of the JSON document. */
void corpus_begin(struct corpus *c, const char *path);
void corpus_end(struct corpus *c);

/* ---- corpus_files.c ------------------------------------------------------ */

struct corpus_paths {
    const char **list; /* sorted */
    size_t count, cap;
};

/* Files below path that may be cases. An error has been printed when false. */
bool corpus_find(struct ts_arena *arena, const char *path,
                 struct corpus_paths *ret);
/* TS_E_NOT_FOUND when there is no such file. */
TS_NODISCARD ts_err corpus_read(struct ts_arena *arena, const char *path,
                                struct ts_str *ret);
/* A file that the case names, relative to the root, which is searched upwards
 * from the folder of the case. */
TS_NODISCARD ts_err corpus_read_named(struct ts_arena *arena,
                                      const char *case_file,
                                      struct ts_str named, struct ts_str *ret);
/* The file of the same stem in the folder FOLDER + suffix beside the case's
 * own: dir/x.json, "-validation", ".validation.json" gives
 * dir-validation/x.validation.json. */
TS_NODISCARD ts_err corpus_read_beside(struct ts_arena *arena,
                                       const char *case_file,
                                       const char *suffix, const char *ending,
                                       struct ts_str *ret);

/* ---- corpus_case.c ------------------------------------------------------- */

/* What a case is made of, with one form of its schema. */
struct corpus_case {
    struct ts_arena *arena;
    const struct json *spec;     /* the case */
    const struct json *recorded; /* its validation results, or NULL */
    const struct cedar_ast *ast;
    const struct cedar_policies *policies;
    const struct cedar_schema *schema;
    const struct cedar_entities *entities;
    enum corpus_form form;
};

/* Runs the case; false when the file is none. */
bool corpus_run(struct corpus *c, const char *path);

/* ---- corpus_request.c, corpus_validate.c --------------------------------- */

void corpus_requests(struct corpus *c, const struct corpus_case *k);
void corpus_validation(struct corpus *c, const struct corpus_case *k);
/* Whether an entity is recorded as one that must be refused. */
bool corpus_has_bad_entities(const struct corpus_case *k);

#endif
