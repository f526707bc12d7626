#ifndef CLI_POLICY_SUITE_JUNIT_H
#define CLI_POLICY_SUITE_JUNIT_H

#include <stdbool.h>

#include "proto/base/ts_buf.h"
#include "proto/base/ts_str.h"

/*
 * JUnit XML as build servers read it: one <testsuite> a file. Text is escaped;
 * what XML cannot hold (control characters, bytes that are not UTF-8) becomes
 * U+FFFD. No memory is noticed at the end, by junit_save().
 */
struct junit {
    struct ts_buf all, suite;
    size_t tests, failures, errors; /* of the suite under way */
    size_t all_tests, all_failures, all_errors;
    double seconds;
    bool broken;
};

void junit_init(struct junit *j);
void junit_done(struct junit *j);
/* failure: NULL for a case that passed. */
void junit_case(struct junit *j, const char *file, struct ts_str name,
                double seconds, const char *failure);
/* Ends the suite of that file; error: why it could not be run, or NULL. */
void junit_suite(struct junit *j, const char *file, const char *error);
bool junit_save(struct junit *j, const char *path);

#endif
