#ifndef POLICY_CORE_LIT_H
#define POLICY_CORE_LIT_H

/* A string literal as a ts_str in a static table, where a compound literal is
 * not a constant. */
#define CEDAR_LIT(s)                                                           \
    {                                                                          \
        .ptr = "" s "", .len = sizeof(s) - 1                                   \
    }

#endif
