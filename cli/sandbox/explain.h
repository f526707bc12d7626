#ifndef CLI_SANDBOX_EXPLAIN_H
#define CLI_SANDBOX_EXPLAIN_H

#include "cli/doctor/doctor.h"
#include "sidecar/common/manifest/manifest.h"
#include "sidecar/launcher/tools/level.h"

/* What a call of one tool could do on this host. */
struct explanation {
    const struct manifest *m;
    const struct sandbox_profile *profile;
    bool has_boxes; /* launchers were asked; else nothing is known of them */
    struct level_offer offer;
    bool is_served;
    enum box_level level;
    uint32_t layers, weakened, missing;
};

/* One sentence each: what of it remains possible in this box. Returns how many
 * there are (at most CALL_RESIDUALS). */
#define CALL_RESIDUALS 12
size_t call_residual(const struct explanation *x,
                     const char *ret[CALL_RESIDUALS]);

void call_print(const struct explanation *x);
bool call_json(const struct explanation *x);

#endif
