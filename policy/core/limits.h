#ifndef POLICY_CORE_LIMITS_H
#define POLICY_CORE_LIMITS_H

/*
 * Every limit that policy text, entity files and request data can meet, with
 * its unit. The evaluator recurses over trees that the parser has already
 * measured, so each bound is checked once and relied on afterwards.
 */
#define CEDAR_EXPR_DEPTH   64  /* default nesting of expressions */
#define CEDAR_DEPTH_HARD   128 /* the most that options may ask for */
#define CEDAR_HEIGHT_MAX   256 /* height of one expression tree */
#define CEDAR_VALUE_DEPTH  256 /* nesting of one value */
#define CEDAR_JSON_DEPTH   64  /* nesting of one JSON text */
#define CEDAR_JSON_INDENTS 6   /* levels of written JSON with lines */
#define CEDAR_ANNOTATIONS  64  /* of one policy */
#define CEDAR_UNARY_MAX    4   /* `!` or `-` in a row, as in Cedar */
#define CEDAR_IP_TEXT_MAX  43  /* bytes */
#define CEDAR_FILE_BYTES   ((size_t)16 << 20)
#define CEDAR_POLICY_BYTES ((size_t)64 << 10)
#define CEDAR_POLICIES     65536u
#define CEDAR_LINKS        65536u             /* of templates, in one set */
#define CEDAR_BLOCK_BYTES  ((size_t)4096)     /* Cedar text in one block */
#define CEDAR_BLOCK_COUNT  64u                /* policies in one block */
#define CEDAR_JSON_BYTES   ((size_t)16 << 20) /* all entity files together */
#define CEDAR_ENTITIES     1000000u
#define CEDAR_ANCESTORS    16000000u /* of all entities together */
#define CEDAR_CLOSURE_WORK 64000000u /* steps of the transitive closure */

/*
 * Work of one authorization, so that text from a stranger cannot turn large
 * data into long silence: one unit an operator, one for each 64 bytes or each
 * member that is compared, copied or searched. Beyond it: an error, no
 * decision.
 */
#define CEDAR_WORK_BASE       200000u
#define CEDAR_WORK_PER_POLICY 2000u
#define CEDAR_WORK_BYTES      64u

/*
 * Work of validating one policy: one step for a node that is checked in one
 * kind of request, for a type or attribute that is compared. Kinds of request
 * are principal types times actions times resource types, so this bounds what a
 * small text can ask of a large schema. About a second.
 */
#define CEDAR_VALIDATE_WORK  50000000u
#define CEDAR_BLOCK_VALIDATE 1000000u /* all policies of a block together */
#define CEDAR_VALIDATE_DEPTH 1024u    /* of expressions with their types */
#define CEDAR_VALIDATE_BYTES ((size_t)64 << 20)

/* A source byte makes at most one tree node; these bound both arenas. */
#define CEDAR_LOAD_PER_BYTE ((size_t)512)
#define CEDAR_LOAD_BASE     ((size_t)64 << 10)
/* The same for a link: its names once in the tree and once in the program, and
 * a policy's place in either. */
#define CEDAR_LINK_PER_BYTE ((size_t)16)
#define CEDAR_LINK_BASE     ((size_t)4096)

/* Text that is written: of one policy, and the style that may be asked for. */
#define CEDAR_PRINT_BYTES   ((size_t)64 << 20)
#define CEDAR_FORMAT_WIDTH  1000u /* columns of a line */
#define CEDAR_FORMAT_INDENT 16u   /* columns of one step */

/* Nesting of policies in JSON, where `a && b && c` nests to the left: what the
 * longest chain in a policy of CEDAR_POLICY_BYTES needs, and some. */
#define CEDAR_EST_DEPTH 131072u

/*
 * Schemas. A type is walked by recursion wherever it is used (printing,
 * validation, checks of data), so what may be written and what may come out of
 * common types that name each other are both bounded. Closures count the pairs
 * (type, ancestor) of a schema.
 */
#define CEDAR_SCHEMA_FILES    65536u            /* sources of one schema */
#define CEDAR_SCHEMA_BYTES    ((size_t)4 << 20) /* all sources together */
#define CEDAR_TYPE_NESTING    64   /* `Set<` and `{` in each other */
#define CEDAR_TYPE_HEIGHT     128  /* common types inlined */
#define CEDAR_SCHEMA_NAME     1024 /* bytes, with its namespace */
#define CEDAR_SCHEMA_NOTES    256  /* annotations in one place */
#define CEDAR_SCHEMA_PAIRS    4000000u
#define CEDAR_SCHEMA_WORK     64000000u /* steps of both closures */
#define CEDAR_SCHEMA_PER_BYTE ((size_t)256)

#endif
