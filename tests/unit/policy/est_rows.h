#ifndef TESTS_UNIT_POLICY_EST_ROWS_H
#define TESTS_UNIT_POLICY_EST_ROWS_H

/* Conditions in Cedar text and in JSON. The right side is what the official
 * engine (4.13) answers to policyToJson. */
static const struct {
    const char *text, *json;
} bodies[] = {
    {"true", "{\"Value\":true}"},
    {"-9223372036854775808", "{\"Value\":-9223372036854775808}"},
    {"9223372036854775807", "{\"Value\":9223372036854775807}"},
    {"-1", "{\"Value\":-1}"},
    {"-(1)", "{\"neg\":{\"arg\":{\"Value\":1}}}"},
    {"--1", "{\"neg\":{\"arg\":{\"Value\":-1}}}"},
    {"-principal.a",
     "{\"neg\":{\"arg\":{\".\":{\"left\":{\"Var\":\"principal\"},"
     "\"attr\":\"a\"}}}}"},
    {"!!true", "{\"!\":{\"arg\":{\"!\":{\"arg\":{\"Value\":true}}}}}"},
    {"\"s\\n\\0\\u{1F600}\\\"\"", "{\"Value\":\"s\\n\\u0000\xF0\x9F\x98\x80"
                                  "\\\"\"}"},
    {"N::U::\"a\\\\\"",
     "{\"Value\":{\"__entity\":{\"type\":\"N::U\",\"id\":\"a\\\\\"}}}"},
    {"principal", "{\"Var\":\"principal\"}"},
    {"action", "{\"Var\":\"action\"}"},
    {"resource", "{\"Var\":\"resource\"}"},
    {"context", "{\"Var\":\"context\"}"},
    {"1 == 2", "{\"==\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}}"},
    {"1 != 2", "{\"!=\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}}"},
    {"1 < 2", "{\"<\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}}"},
    {"1 <= 2", "{\"<=\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}}"},
    {"1 > 2", "{\">\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}}"},
    {"1 >= 2", "{\">=\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}}"},
    {"principal in [action]",
     "{\"in\":{\"left\":{\"Var\":\"principal\"},\"right\":{\"Set\":[{\"Var\":"
     "\"action\"}]}}}"},
    {"true && false && true",
     "{\"&&\":{\"left\":{\"&&\":{\"left\":{\"Value\":true},\"right\":{"
     "\"Value\":false}}},\"right\":{\"Value\":true}}}"},
    {"true && (false && true)",
     "{\"&&\":{\"left\":{\"Value\":true},\"right\":{\"&&\":{\"left\":{"
     "\"Value\":false},\"right\":{\"Value\":true}}}}}"},
    {"true || false && true",
     "{\"||\":{\"left\":{\"Value\":true},\"right\":{\"&&\":{\"left\":{"
     "\"Value\":false},\"right\":{\"Value\":true}}}}}"},
    {"1 + 2 - 3 * 4",
     "{\"-\":{\"left\":{\"+\":{\"left\":{\"Value\":1},\"right\":{\"Value\":2}}}"
     ",\"right\":{\"*\":{\"left\":{\"Value\":3},\"right\":{\"Value\":4}}}}}"},
    {"1 - (2 - 3)",
     "{\"-\":{\"left\":{\"Value\":1},\"right\":{\"-\":{\"left\":{\"Value\":2},"
     "\"right\":{\"Value\":3}}}}}"},
    {"principal has a",
     "{\"has\":{\"left\":{\"Var\":\"principal\"},\"attr\":\"a\"}}"},
    {"principal has \"a b\"",
     "{\"has\":{\"left\":{\"Var\":\"principal\"},\"attr\":\"a b\"}}"},
    {"principal has a.b.c", "{\"has\":{\"left\":{\"Var\":\"principal\"},"
                            "\"attr\":[\"a\",\"b\",\"c\"]}}"},
    {"principal.a[\"b c\"]",
     "{\".\":{\"left\":{\".\":{\"left\":{\"Var\":\"principal\"},\"attr\":"
     "\"a\"}},\"attr\":\"b c\"}}"},
    {"\"x\" like \"a*\\*\xC3\xA9**\"",
     "{\"like\":{\"left\":{\"Value\":\"x\"},\"pattern\":[{\"Literal\":\"a\"},"
     "\"Wildcard\",{\"Literal\":\"*\"},{\"Literal\":\"\xC3\xA9\"},"
     "\"Wildcard\",\"Wildcard\"]}}"},
    {"\"x\" like \"\"",
     "{\"like\":{\"left\":{\"Value\":\"x\"},\"pattern\":[]}}"},
    {"principal is N::T",
     "{\"is\":{\"left\":{\"Var\":\"principal\"},\"entity_type\":\"N::T\"}}"},
    {"principal is T in resource",
     "{\"is\":{\"left\":{\"Var\":\"principal\"},\"entity_type\":\"T\",\"in\":{"
     "\"Var\":\"resource\"}}}"},
    {"if true then 1 else 2",
     "{\"if-then-else\":{\"if\":{\"Value\":true},\"then\":{\"Value\":1},"
     "\"else\":{\"Value\":2}}}"},
    {"[]", "{\"Set\":[]}"},
    {"[1, [true]]", "{\"Set\":[{\"Value\":1},{\"Set\":[{\"Value\":true}]}]}"},
    {"{}", "{\"Record\":{}}"},
    {"{a: 1, \"b c\": {}}",
     "{\"Record\":{\"a\":{\"Value\":1},\"b c\":{\"Record\":{}}}}"},
    {"[1].contains(1)", "{\"contains\":{\"left\":{\"Set\":[{\"Value\":1}]},"
                        "\"right\":{\"Value\":1}}}"},
    {"[].containsAll([])",
     "{\"containsAll\":{\"left\":{\"Set\":[]},\"right\":{\"Set\":[]}}}"},
    {"[].containsAny([])",
     "{\"containsAny\":{\"left\":{\"Set\":[]},\"right\":{\"Set\":[]}}}"},
    {"[].isEmpty()", "{\"isEmpty\":{\"arg\":{\"Set\":[]}}}"},
    {"principal.hasTag(\"t\")",
     "{\"hasTag\":{\"left\":{\"Var\":\"principal\"},\"right\":{\"Value\":"
     "\"t\"}}}"},
    {"principal.getTag(\"t\")",
     "{\"getTag\":{\"left\":{\"Var\":\"principal\"},\"right\":{\"Value\":"
     "\"t\"}}}"},
    {"ip(\"::1\").isInRange(ip(\"::/8\"))",
     "{\"isInRange\":[{\"ip\":[{\"Value\":\"::1\"}]},{\"ip\":[{\"Value\":"
     "\"::/8\"}]}]}"},
    {"decimal(\"1.0\").lessThan(decimal(\"1.0\"), 3)",
     "{\"lessThan\":[{\"decimal\":[{\"Value\":\"1.0\"}]},{\"decimal\":[{"
     "\"Value\":\"1.0\"}]},{\"Value\":3}]}"},
    {"ip()", "{\"ip\":[]}"},
    {"datetime(\"2024-01-01\").offset(duration(\"1h\")).toDate()",
     "{\"toDate\":[{\"offset\":[{\"datetime\":[{\"Value\":\"2024-01-01\"}]},{"
     "\"duration\":[{\"Value\":\"1h\"}]}]}]}"},
};

/* Everything but the conditions, the same way. */
static const struct {
    const char *text, *json;
} heads[] = {
    {"permit(principal,action,resource);",
     "\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":"
     "\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":[]"},
    {"@a(\"x\") @b @c(\"\") @if(\"y\") forbid(principal==U::\"a\","
     "action==Action::\"x\",resource in R::\"r\");",
     "\"effect\":\"forbid\",\"principal\":{\"op\":\"==\",\"entity\":{\"type\":"
     "\"U\",\"id\":\"a\"}},\"action\":{\"op\":\"==\",\"entity\":{\"type\":"
     "\"Action\",\"id\":\"x\"}},\"resource\":{\"op\":\"in\",\"entity\":{"
     "\"type\":\"R\",\"id\":\"r\"}},\"conditions\":[],\"annotations\":{\"a\":"
     "\"x\",\"b\":null,\"c\":\"\",\"if\":\"y\"}"},
    {"permit(principal is N::T,action in [Action::\"a\",N::Action::\"b\"],"
     "resource is T in R::\"x\");",
     "\"effect\":\"permit\",\"principal\":{\"op\":\"is\",\"entity_type\":"
     "\"N::T\"},\"action\":{\"op\":\"in\",\"entities\":[{\"type\":\"Action\","
     "\"id\":\"a\"},{\"type\":\"N::Action\",\"id\":\"b\"}]},\"resource\":{"
     "\"op\":\"is\",\"entity_type\":\"T\",\"in\":{\"entity\":{\"type\":\"R\","
     "\"id\":\"x\"}}},\"conditions\":[]"},
    {"permit(principal,action in [],resource);",
     "\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":"
     "\"in\",\"entities\":[]},\"resource\":{\"op\":\"All\"},\"conditions\":[]"},
    {"permit(principal,action in [Action::\"a\"],resource);",
     "\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":{\"op\":"
     "\"in\",\"entity\":{\"type\":\"Action\",\"id\":\"a\"}},\"resource\":{"
     "\"op\":\"All\"},\"conditions\":[]"},
    {"permit(principal==?principal,action,resource is T in ?resource);",
     "\"effect\":\"permit\",\"principal\":{\"op\":\"==\",\"slot\":"
     "\"?principal\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"is\","
     "\"entity_type\":\"T\",\"in\":{\"slot\":\"?resource\"}},\"conditions\":"
     "[]"},
    {"permit(principal in ?principal,action,resource in ?resource);",
     "\"effect\":\"permit\",\"principal\":{\"op\":\"in\",\"slot\":"
     "\"?principal\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":\"in\","
     "\"slot\":\"?resource\"},\"conditions\":[]"},
};

#endif
