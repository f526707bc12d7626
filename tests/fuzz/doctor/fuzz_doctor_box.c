/* What a launcher says of its boxes: what is read has a level, known layers and
 * printable names that end. */
#include <stdlib.h>
#include <string.h>

#include "cli/doctor/doctor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void need(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct box_said b;

    if (!box_said_parse((struct ts_str){(const char *)data, len}, &b))
        return 0;
    need(b.level >= BOX_BARE && b.level <= BOX_STRICT);
    need(((b.layers | b.weakened) & ~LAYER_BITS_ALL) == 0);
    need(memchr(b.profile, '\0', sizeof(b.profile)) != NULL);
    need(memchr(b.step, '\0', sizeof(b.step)) != NULL);
    need(b.profile[0] != '\0');
    return 0;
}
