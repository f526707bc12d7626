#include "policy/core/fault.h"

#include <stdarg.h>
#include <stdio.h>

#include "policy/core/value.h"

void cedar_fault_set(struct cedar_fault *f, const char *code, const char *fmt,
                     ...)
{
    va_list ap;

    f->code = code;
    va_start(ap, fmt);
    (void)vsnprintf(f->text, sizeof(f->text), fmt, ap);
    va_end(ap);
}

void cedar_fault_type(struct cedar_fault *f, const char *expected,
                      const struct cedar_value *got)
{
    cedar_fault_set(f, "type_error", "type error: expected %s, got %s",
                    expected, cedar_kind_name(got->kind));
}
