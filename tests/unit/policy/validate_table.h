#ifndef TESTS_UNIT_POLICY_VALIDATE_TABLE_H
#define TESTS_UNIT_POLICY_VALIDATE_TABLE_H

#include <stddef.h>

/* What the validator says to one condition (or one whole policy), in strict
 * mode and, where it differs, in permissive mode. Our own rows; what the
 * official engine says to the same was compared when they were written. */
static const char table_schema[] =
    "entity Crew in [Fleet]; entity Fleet in [Fleet];"
    "entity Pilot in [Crew] { hours: Long, boss?: Pilot, name: String,"
    "  base?: {city?: {code?: Long, name: String}}, home: {zip: String},"
    "  active: Bool, friends: Set<Pilot>, fee: decimal } tags String;"
    "entity Guest { hours: Long, name: Long, boss?: Guest } tags Long;"
    "entity Plane in [Fleet] { owner: Pilot, marks: Set<String>, addr: ipaddr,"
    "  built: datetime, rest?: duration };"
    "entity Class enum [\"light\", \"heavy\"];"
    "action fly, tow in [use] appliesTo { principal: Pilot, resource: Plane,"
    "  context: { mfa: Bool, load?: Long, class: Class, now: datetime,"
    "             by?: Pilot } };"
    "action use in [any]; action any;"
    "action look in [any] appliesTo { principal: [Pilot, Guest],"
    "  resource: [Plane, Crew] };";

struct table_row {
    const char *text; /* a condition for Pilot, fly, Plane; or a policy */
    const char *strict;
    const char *permissive; /* NULL: the same */
};

#define OPT "unsafe_optional_attribute"
#define UNK "unknown_attribute"
#define TYP "unexpected_type"
#define INC "incompatible_types"
#define IMP "impossible_policy"

static const struct table_row table_rows[] = {
    /* attributes and what guards them */
    {"principal.hours > 3", "", NULL},
    {"principal.hour > 3", UNK, NULL},
    {"principal.boss.hours > 3", OPT, NULL},
    {"principal has boss && principal.boss.hours > 3", "", NULL},
    {"principal[\"boss\"].hours > 3", OPT, NULL},
    {"principal has \"boss\" && principal[\"boss\"].hours > 3", "", NULL},
    {"principal.boss.hours > 3 && principal has boss", OPT, NULL},
    {"!(principal has boss) || principal.boss.hours > 3", OPT, NULL},
    {"principal has boss || principal.boss.hours > 3", OPT, NULL},
    {"if principal has boss then principal.boss.hours > 3 else true", "", NULL},
    {"if principal has boss then true else principal.boss.hours > 3", OPT,
     NULL},
    {"if !(principal has boss) then true else principal.boss.hours > 3", OPT,
     NULL},
    {"(principal has boss && context.mfa) && principal.boss.hours > 1", "",
     NULL},
    {"(principal has boss || principal has boss) && principal.boss.active", "",
     NULL},
    {"(principal has boss || context has by) && principal.boss.active", OPT,
     NULL},
    {"(if context.mfa then principal has boss else principal has boss) && "
     "principal.boss.active",
     "", NULL},
    {"(if context.mfa then principal has boss else false) && "
     "principal.boss.active",
     OPT, NULL},
    {"context has by && context.by has boss && context.by.boss.active", "",
     NULL},
    {"context has by && principal has boss && context.by.boss.active", OPT,
     NULL},
    {"principal has base.city.code && principal.base.city.code > 1", "", NULL},
    {"principal has base.city && principal.base.city.code > 1", OPT, NULL},
    {"principal has base.city && principal.base.city.name == \"x\"", "", NULL},
    {"principal has base.town.code", IMP, NULL},
    {"principal has hours && principal.hours > 1", "", NULL},
    {"principal has boss && (principal has boss || principal.oops)", "", NULL},
    {"principal.hours has x.y", TYP, NULL},
    {"principal.home has zip || principal.oops", "", NULL},
    {"principal has oops", IMP, NULL},
    {"principal has oops && principal.oops == 1", IMP, NULL},
    {"!(principal has oops)", "", NULL},
    {"context has load && context.load == 1", "", NULL},
    {"context.load == 1", OPT, NULL},
    {"context.cargo == 1", UNK, NULL},
    {"action.name == 1", UNK, NULL},
    {"action has name", IMP, NULL},
    {"principal.name.first == 1", TYP, NULL},
    {"principal.hours has x", TYP, NULL},
    {"Pilot::\"a\" has boss && Pilot::\"a\".boss.active", "", NULL},
    {"Pilot::\"a\" has boss && Pilot::\"b\".boss.active", OPT, NULL},
    {"{b: 1, a: principal}.a has boss && {a: principal, b: 1}.a.boss.active",
     "", NULL},
    {"principal.friends.contains(principal) && {a: 1}.b == 1", UNK, NULL},
    /* what was asked and what is read differ in one part only */
    {"{a: principal}.a has boss && {a: resource.owner}.a.boss.active", OPT,
     NULL},
    {"{a: resource.owner}.a has boss && {a: resource.owner}.a.boss.active", "",
     NULL},
    {"{a: principal, b: 1}.a has boss && {a: principal, b: 2}.a.boss.active",
     OPT, NULL},
    {"{a: principal, b: principal}.a has boss && "
     "{a: principal, b: principal}.b.boss.active",
     OPT, NULL},
    {"(if context.mfa then principal else resource.owner) has boss && "
     "(if context.mfa then principal else resource.owner).boss.active",
     "", NULL},
    {"(if context.mfa then principal else resource.owner) has boss && "
     "(if context.mfa then resource.owner else principal).boss.active",
     OPT, NULL},
    {"principal.hasTag(if context.mfa then \"k\" else \"j\") && "
     "principal.getTag(if context.mfa then \"j\" else \"k\") == \"v\"",
     "unsafe_tag", NULL},
    {"principal.hasTag(\"k\") && resource.owner.getTag(\"k\") == \"v\"",
     "unsafe_tag", NULL},
    /* one fault is told once, not for all that follows from it */
    {"(principal.oops == 1 && principal has boss) && principal.boss.active",
     UNK, NULL},
    {"(if principal.oops then principal has boss else principal has boss) && "
     "principal.boss.active",
     UNK, NULL},
    {"(principal has boss || principal.oops && principal has boss) && "
     "principal.boss.active",
     UNK, NULL},
    /* tags */
    {"principal.hasTag(\"k\") && principal.getTag(\"k\") == \"v\"", "", NULL},
    {"principal.getTag(\"k\") == \"v\"", "unsafe_tag", NULL},
    {"principal.hasTag(\"k\") && principal.getTag(\"j\") == \"v\"",
     "unsafe_tag", NULL},
    {"principal.hasTag(principal.name) && principal.getTag(principal.name) == "
     "\"v\"",
     "", NULL},
    {"principal.hasTag(\"k\") && principal.getTag(\"k\") == 1", INC, ""},
    {"resource.hasTag(\"k\")", IMP, NULL},
    {"resource.hasTag(\"k\") && resource.getTag(\"k\") == 1", IMP, NULL},
    {"(resource.hasTag(\"k\") || context.mfa) && resource.getTag(\"k\") == 1",
     "unsafe_tag", NULL},
    {"(if resource.hasTag(\"k\") then true else true) && principal.hasTag(1)",
     TYP, NULL},
    {"context.hasTag(\"k\")", TYP, NULL},
    /* short circuits */
    {"false && principal.oops", IMP, NULL},
    {"principal.oops && false", UNK, NULL},
    {"true || principal.oops", "", NULL},
    {"context.mfa || true || principal.oops", "", NULL},
    {"if false then principal.oops else true", "", NULL},
    {"if true then context.mfa else 1", "", NULL},
    {"if principal is Guest then principal.oops else true", "", NULL},
    {"1 == 2 && principal.oops", IMP, NULL},
    {"1 == 1 || principal.oops", "", NULL},
    {"\"a\" != \"a\" && principal.oops", IMP, NULL},
    {"(true && true) == true || principal.oops", "", NULL},
    {"context.mfa && false && principal.oops", IMP, NULL},
    /* equality */
    {"1 == \"1\"", IMP, NULL},
    {"principal.hours == \"1\"", INC, ""},
    {"principal == resource", IMP, NULL},
    {"principal == Guest::\"x\"", IMP, NULL},
    {"principal == Pilot::\"x\"", "", NULL},
    {"principal.friends == [1]", INC, ""},
    {"principal == (if context.mfa then principal else Guest::\"g\")", INC, ""},
    {"(if context.mfa then principal else Guest::\"g\") == principal", INC, ""},
    {"{a: 1, b: \"x\"} == {a: 2, b: \"y\"}", "", NULL},
    {"{a: 1} == {a: 1, b: 2}", INC, ""},
    {"{a: 1} == {b: 1}", INC, ""},
    {"{a: 1, b: principal.oops} == {a: 1, b: 2}", UNK, NULL},
    {"{a: 1}.a == {a: true}.a", INC, ""},
    {"{a: true}.a || principal.oops", "", NULL},
    {"[true] == [false]", "", NULL},
    {"(if context.mfa then true else false) || principal.oops", UNK, NULL},
    {"principal.home == {zip: \"1\"}", "", NULL},
    {"principal.base == {city: 1}", OPT " " INC, OPT},
    {"action == Action::\"fly\" || principal.oops", "", NULL},
    {"action == Action::\"tow\" && principal.oops", IMP, NULL},
    {"Action::\"fly\" == action || principal.oops", "", NULL},
    {"Action::\"tow\" == action && principal.oops", IMP, NULL},
    {"action == action || principal.oops", "", NULL},
    /* in and is */
    {"principal in Crew::\"c\"", "", NULL},
    {"principal in Fleet::\"c\"", "", NULL},
    {"principal in Plane::\"c\"", IMP, NULL},
    {"principal in [Crew::\"a\", Fleet::\"b\"]", INC, ""},
    {"principal in [Crew::\"a\", Crew::\"b\"]", "", NULL},
    {"principal in resource.owner", "", NULL},
    {"principal in resource.marks", TYP, NULL},
    {"principal.name in [\"a\"]", TYP " " TYP, NULL},
    {"principal.hours in [1]", TYP " " TYP, NULL},
    {"action in Action::\"use\" || principal.oops", "", NULL},
    {"action in [Action::\"look\", Action::\"any\"] || principal.oops", "",
     NULL},
    {"action in Action::\"look\" && principal.oops", IMP, NULL},
    {"Action::\"tow\" in Action::\"any\" || principal.oops", "", NULL},
    {"action in Crew::\"x\" && principal.oops", IMP, NULL},
    {"principal is Pilot || principal.oops", "", NULL},
    {"principal is Pilot in Crew::\"a\"", "", NULL},
    {"principal is Guest in Crew::\"a\"", IMP, NULL},
    {"principal.hours is Pilot", TYP, NULL},
    /* names */
    {"principal == Pilto::\"x\"", "unknown_entity_type", NULL},
    {"principal is Pilto", "unknown_entity_type", NULL},
    {"false && principal is Pilto", "unknown_entity_type", NULL},
    {"action == Action::\"fyl\"", "unknown_action", NULL},
    {"context.class == Class::\"light\"", "", NULL},
    {"context.class == Class::\"lite\"", "invalid_enum_id", NULL},
    /* operators */
    {"principal.hours + 1 > 9223372036854775807", "", NULL},
    {"-principal.hours * 2 - 1 < 0", "", NULL},
    {"principal.name + \"x\" == \"y\"", TYP " " INC " " TYP, TYP " " TYP},
    {"principal.hours < \"1\"", TYP, NULL},
    {"\"a\" < \"b\"", TYP " " TYP, NULL},
    {"principal.fee < principal.fee", TYP " " TYP, NULL},
    {"principal.fee.lessThan(decimal(\"1.5\"))", "", NULL},
    {"context.now < datetime(\"2024-01-01\")", "", NULL},
    {"context.now < duration(\"1h\")", TYP, NULL},
    {"context.now.durationSince(resource.built) > duration(\"1h\")", "", NULL},
    {"context.now.offset(duration(\"1h\")).toDate() >= resource.built", "",
     NULL},
    {"principal.name like \"a*\"", "", NULL},
    {"principal.hours like \"a*\"", TYP, NULL},
    {"!principal.hours", TYP, NULL},
    {"principal.hours", TYP, NULL},
    {"principal.hours && true", TYP, NULL},
    {"(if context.mfa then 1 else 2) > 0", "", NULL},
    {"if context.mfa then 1 else \"a\"", INC, NULL},
    {"(if context.mfa then principal else resource) == principal", INC, ""},
    {"(if context.mfa then principal else resource).hours > 1", INC,
     "unsafe_attribute"},
    {"(if context.mfa then principal else Guest::\"g\").hours > 1", INC, ""},
    {"(if context.mfa then principal else Guest::\"g\").name == 1", INC,
     "unsafe_attribute"},
    {"(if context.mfa then principal else Guest::\"g\") has boss", INC, ""},
    {"(if context.mfa then {a: 1} else {a: 1, b: 2}).a == 1", INC, ""},
    {"(if context.mfa then {a: 1} else {a: 1, b: 2}).b == 1", INC,
     "unsafe_attribute"},
    {"(if context.mfa then {a: 1} else {a: 1, b: 2}) has b", INC, ""},
    /* sets */
    {"[1, \"a\"].contains(1)", INC, NULL},
    {"[].isEmpty()", "empty_set", ""},
    {"[1, 2].containsAll([1])", "", NULL},
    {"resource.marks.contains(1)", INC, ""},
    {"resource.marks.containsAny([\"a\"])", "", NULL},
    {"resource.marks.containsAny([1])", INC, ""},
    {"resource.marks.containsAll(\"a\")", TYP, NULL},
    {"principal.contains(1)", TYP, NULL},
    {"principal.name.isEmpty()", TYP, NULL},
    /* extension functions */
    {"ip(\"1.1.1.1\") == resource.addr", "", NULL},
    {"resource.addr.isInRange(ip(\"10.0.0.0/8\"))", "", NULL},
    {"ip(principal.name).isIpv4()", "non_literal_constructor", ""},
    {"ip(\"x\").isIpv4()", "bad_extension_literal", NULL},
    {"decimal(\"1\").lessThan(decimal(\"2.0\"))", "bad_extension_literal",
     NULL},
    {"datetime(\"2024-13-01\") > context.now", "bad_extension_literal", NULL},
    {"duration(\"1x\") > duration(\"1h\")", "bad_extension_literal", NULL},
    {"ip(1).isIpv4()", TYP, NULL},
    {"\"1.1.1.1\".isIpv4()", TYP, NULL},
    {"ip(\"1.1.1.1\", \"2\").isIpv4()", "wrong_arity", NULL},
    {"resource.addr.isIpv4(1)", "wrong_arity", NULL},
    {"principal.isIpv4()", TYP, NULL},
    /* whole policies */
    {"permit(principal, action, resource);", "", NULL},
    {"permit(principal == Pilot::\"a\", action, resource);", "", NULL},
    {"permit(principal is Guest, action == Action::\"fly\", resource);",
     "no_applicable_action", NULL},
    {"permit(principal == Crew::\"a\", action == Action::\"fly\", resource);",
     "no_applicable_action", NULL},
    {"permit(principal in Crew::\"a\", action == Action::\"fly\", resource);",
     "", NULL},
    {"permit(principal in Plane::\"x\", action, resource);",
     "no_applicable_action", NULL},
    {"permit(principal, action == Action::\"use\", resource);",
     "no_applicable_action", NULL},
    {"permit(principal, action in Action::\"use\", resource);", "", NULL},
    {"permit(principal, action in [], resource);",
     "no_applicable_action empty_set", "no_applicable_action"},
    {"permit(principal == Nobody::\"a\", action, resource);",
     "unknown_entity_type", NULL},
    {"permit(principal, action == Action::\"zz\", resource);", "unknown_action",
     NULL},
    {"permit(principal, action, resource is Crew) when { resource.marks };",
     UNK, NULL},
    {"forbid(principal, action, resource) unless { context.mfa };", UNK, NULL},
    {"forbid(principal, action in Action::\"use\", resource) "
     "unless { context.mfa };",
     "", NULL},
    {"permit(principal, action, resource) when { context has mfa } "
     "when { context.mfa };",
     "", NULL},
    {"permit(principal, action, resource) when { context has mfa && "
     "context.mfa } unless { principal has boss && principal.boss.hours > 1 };",
     "", NULL},
    {"permit(principal, action, resource) when { false } when { oops::\"a\" == "
     "principal };",
     "unknown_entity_type", NULL},
    {"permit(principal, action, resource is Plane) when { resource in "
     "Fleet::\"a\" };",
     "", NULL},
    {"permit(principal == ?principal, action, resource in ?resource) when { "
     "principal.hours > 1 };",
     "", NULL},
    {"permit(principal is Guest in ?principal, action == Action::\"fly\", "
     "resource);",
     "no_applicable_action", NULL},
    {"permit(principal in ?principal, action, resource) when { "
     "principal.agee == 1 };",
     UNK, NULL},
};

#endif
