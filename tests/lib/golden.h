#ifndef TESTS_LIB_GOLDEN_H
#define TESTS_LIB_GOLDEN_H

#include "policy/cedar.h"

/*
 * Compares what is rendered of every text in a folder with NAME.expected beside
 * it. A program of one folder is
 *
 *     golden_NAME FOLDER [--update]
 *
 * and with --update writes the expected files instead, to be read before they
 * are committed. An expected file whose text is gone is a failure.
 */
struct golden {
    const char *const *endings; /* of the texts: ".cedar"; the last is NULL */
    /* name is the file's, without its folder; out takes at most cap bytes with
     * the NUL that ends them */
    void (*render)(void *arg, const char *name, struct ts_str text, char *out,
                   size_t cap);
    void *arg;
};

/* The exit status. */
int golden_main(int argc, char **argv, const struct golden *g);

/* FOLDER/NAME into buf, NUL at the end; false when it cannot be read whole. */
bool golden_read(const char *folder, const char *name, char *buf, size_t cap,
                 struct ts_str *ret);
/* A first line, then the diagnostics as a person reads them. */
void golden_diags(const char *first, const struct cedar_diags *diags,
                  const char *name, struct ts_str text, char *out, size_t cap);

#endif
