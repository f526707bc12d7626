#ifndef SIDECAR_SUPERVISOR_CONFIG_READ_H
#define SIDECAR_SUPERVISOR_CONFIG_READ_H

#include "sidecar/common/yaml_tree.h"
#include "sidecar/supervisor/config.h"

/* Values of one YAML map, with a sticky error: read all, check once. */
struct config_reader {
    const char *file;
    const struct yaml_node *map;
    struct ts_arena *arena;
    char *text; /* CONFIG_ERR_MAX; the first error */
    ts_err error;
};

/* "FILE:LINE: ..." at the node (line 1 for NULL). Keeps the first error. */
void config_fail(struct config_reader *r, const struct yaml_node *at,
                 const char *fmt, ...) TS_PRINTF(3, 4);
/* Refuses every key that is not in the NULL-terminated list. */
void config_keys(struct config_reader *r, const char *const *known);
/* Each leaves *to alone when the key is absent. */
void config_text(struct config_reader *r, const char *key, const char **to);
void config_flag(struct config_reader *r, const char *key, bool *to);
uint64_t config_number(struct config_reader *r, const char *key, uint64_t low,
                       uint64_t high, uint64_t fallback);
void config_octal(struct config_reader *r, const char *key, mode_t *to);
void config_group(struct config_reader *r, const char *key, gid_t *to);
void config_user(struct config_reader *r, const char *key,
                 struct config_user *to, bool *ret_found);
/* A map below this one, or map == NULL; the error stays with the parent. */
struct config_reader config_sub(struct config_reader *r, const char *key);

#endif
