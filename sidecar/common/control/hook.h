#ifndef SIDECAR_COMMON_CONTROL_HOOK_H
#define SIDECAR_COMMON_CONTROL_HOOK_H

#include <stdbool.h>

#include "proto/wire/mp_read.h"
#include "proto/wire/mp_write.h"
#include "sidecar/common/control/control.h"

/* The body of CONTROL_HOOK, for control.c alone. */
bool control_hook_is_valid(const struct control_hook *h);
void control_hook_write(struct mp_writer *w, const struct control_hook *h);
void control_hook_read(struct mp_reader *r, struct control_hook *h);

#endif
