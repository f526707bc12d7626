/* tipstaff.yaml, read as the service reads it. */
#include <stdio.h>
#include <unistd.h>

#include "cli/doctor/doctor.h"
#include "sidecar/common/control/control.h"

bool doctor_config(int dir, struct config *ret, char *text)
{
    char why[CONFIG_ERR_MAX] = "";

    if (config_load(dir, "tipstaff.yaml", geteuid(), ret, why) == TS_OK)
        return true;
    (void)snprintf(text, CONTROL_TEXT_MAX, "%s", why);
    return false;
}

struct manifest_facts doctor_facts(const struct config *c, enum box_level most,
                                   uint32_t launchers)
{
    return (struct manifest_facts){
        .has_broker = c == NULL || c->egress.on,
        .has_token_key = c == NULL || c->token_key != NULL,
        .most = most != BOX_ANY || c == NULL ? most : c->sandbox.most,
        .launchers = launchers};
}
