#ifndef POLICY_SCHEMA_PRINT_PRIV_H
#define POLICY_SCHEMA_PRINT_PRIV_H

#include "policy/schema/decl.h"
#include "policy/schema/schema.h"

/*
 * Declarations sorted for printing: namespaces by name, the nameless one first,
 * and in each common types, entity types and actions by name. What several
 * sources declare in one namespace is printed together.
 */
struct print_item { /* one name of a declaration */
    struct ts_str name;
    const void *decl; /* decl_common, decl_entity or decl_action */
};
struct print_items {
    struct print_item *list;
    uint32_t count;
};
struct print_group {
    struct ts_str name;
    const struct decl_space *const *spaces; /* that add to it */
    uint32_t space_count;
    struct print_items commons, entities, actions;
};

struct printer {
    struct ts_buf *out;
    struct ts_arena scratch;
    ts_err err; /* the first failure; nothing is written after it */
    struct print_group *groups;
    uint32_t group_count;
    bool taken[7]; /* by res_builtin(): something is declared by that name */
    const struct print_group *group; /* being printed */
};

/* Groups the declarations of s; release with schema_printer_done() in any case.
 */
TS_NODISCARD ts_err schema_printer_init(struct printer *p,
                                        const struct cedar_schema *s,
                                        struct ts_buf *out);
void schema_printer_done(struct printer *p);
void schema_print_text(struct printer *p, const char *s);
void schema_print_str(struct printer *p, struct ts_str s);
void schema_print_indent(struct printer *p, unsigned depth);
/* Attributes of a record by name; NULL after a failure. */
const struct decl_attr **schema_print_attrs(struct printer *p,
                                            const struct decl_type *t);
/* The annotations of all spaces of the group, each key once; NULL: none. */
const struct decl_note *schema_print_group_notes(struct printer *p,
                                                 const struct print_group *g);
/* Annotations by name; *ret_count of them. */
const struct decl_note **schema_print_notes(struct printer *p,
                                            const struct decl_note *notes,
                                            uint32_t *ret_count);
/* Whether `name`, written in the group, would mean a common type there. */
bool schema_print_names_common(const struct printer *p, struct ts_str name);

#endif
