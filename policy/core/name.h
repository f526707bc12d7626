#ifndef POLICY_CORE_NAME_H
#define POLICY_CORE_NAME_H

#include "policy/cedar.h"

bool cedar_is_ident_start(char c);
bool cedar_is_ident_char(char c);
/* Length of the identifier that s begins with, 0 if there is none; reserved
 * words are identifiers here. */
size_t cedar_ident_len(struct ts_str s);
/* The whole of s is one identifier; reserved words are identifiers here. */
bool cedar_is_ident(struct ts_str s);
/* One of Cedar's reserved words: true false if then else in is like has. */
bool cedar_is_reserved(struct ts_str ident);
/* Reserved for the language wherever it appears. */
bool cedar_is_internal(struct ts_str ident);
/* The same without reserved words and `__cedar`: what an attribute can be
 * called without quotes. */
bool cedar_ident_ok(struct ts_str s);
/* A type name in normal form: identifiers joined by "::", no white space, no
 * reserved word, no `__cedar`. */
bool cedar_name_ok(struct ts_str name);
/* The last part of a normal-form name. */
struct ts_str cedar_name_base(struct ts_str name);

#endif
