// Small damage to text: by token, by character, by splicing two texts.
const TOKEN = /\s+|\/\/[^\n]*|"(?:[^"\\]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|::|==|!=|<=|>=|&&|\|\||./gsu;

const CHARS = [
  "\u00a0", "\u0085", "\u2028", "\ufeff", "\u200b", "\u3000", "\v", "\f", "\r", "\0", "\n", " ", "\t", '"', "'", "\\", "(", ")", "[", "]", "{", "}", ",",
  ";", ":", "@", "?", "/", "*", "-", "!", "=", "<", ">", "&", "|", ".", "0", "9", "_", "a", "é", "🐴", "#", "%", "+",
];
const CEDAR = [
  "permit", "forbid", "principal", "action", "resource", "context", "when", "unless", "true", "false", "if", "then", "else", "in", "is", "like", "has",
  "__cedar", "__cedar::Long", "?principal", "?resource", "?x", "//c\n", "//", "/* */", "==", "=", "!=", "<", ">=", "&&", "||", "::", ":", "-", "--", "!", "!!!!!", "*",
  "/", "%", "1", "007", "9223372036854775807", "9223372036854775808", "-9223372036854775808", '"a"', '"*"', '"\\*"', '"\\x41"', '"\\x80"', '"\\u{1_0}"',
  '"\\u{d800}"', '"\\u{110000}"', '"\\q"', '"\\u{}"', '"\\u{0000041}"', '""', "User", "User::", 'User::"a"', 'NS::Doc::"b"', "ip", 'ip("10.0.0.1")', "decimal", "contains", ".contains(1)", ".isEmpty()",
  ".a", '["a"]', "[]", "[1,]", "[,]", "{}", "{a:1}", '{"a b":1,}', "{a:1,a:2}", "(", ")", "when {}", "when { true }", "unless { false }", '@id("x")', "@a", "@a()", "@if", "@in(\"x\")", "1.5", "hasTag", "unknown(\"x\")", ".hasTag(\"a\")", ".lessThan(1)", "permit(principal,action,resource);",
];
const SCHEMA = [
  "entity", "action", "namespace", "type", "enum", "appliesTo", "principal", "resource", "context", "in", "tags", "Set", "Set<", ">", "<", "Long", "String", "Bool", "Boolean",
  "Record", "Entity", "Extension", "ipaddr", "decimal", "datetime", "duration", "__cedar::Long", "__cedar", "__cedar::String", ":", "::", "?", "?:", ",", ";", "{", "}", "[", "]", "=", "@", "@doc", '@doc("x")', "User", "Team",
  '"a"', '"odd name"', "{}", "[]", "{a: Long}", "Set<Set<Long>>", "//c\n", "type T = Long;", "entity E;", "entity E enum [\"a\"];", "action a;", "namespace N {", "namespace N { entity X; }", "if", "true", "has", "_x", "1",
  "appliesTo { principal: User, resource: User }", "appliesTo { principal: [], resource: [User] }", "entity A, B in [C];", 'Action::"a"', "is",
];
const JSON_BITS = [
  "null", "true", "false", "0", "-0", "1", "-1", "01", "1.0", "1e3", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", '""', '"a"', '"\\u0000"',
  '"\\ud800"', '"\\ud83d\\udc34"', '"\\q"', '"\t"', "{}", "[]", ",", ":", "{", "}", "[", "]", '"type"', '"id"', '"uid"', '"attrs"', '"parents"', '"tags"', '"__entity"', '"__extn"', '"__expr"', '"fn"', '"arg"', '"args"',
  '{"type":"User","id":"a"}', '{"__entity":{"type":"User","id":"a"}}', '{"__extn":{"fn":"ip","arg":"10.0.0.1"}}', '{"__extn":{"fn":"nope","arg":"x"}}', '{"__extn":{"fn":"decimal","arg":"x"}}', '{"__extn":{"fn":"decimal","arg":1}}',
  '{"fn":"ip","arg":"::1"}', '"User::\\"a\\""', '"User"', '"NS :: Doc"', '"__cedar"', '"if"', '"10.0.0.1"', '"x":1,', '{"__entity":{"type":"User","id":"a","x":1}}', '{"__entity":{"type":"User","id":"a"},"x":1}', '{"__expr":"1"}', '{"__extn":{"fn":"offset","args":[{"__extn":{"fn":"datetime","arg":"2024-01-01"}},{"__extn":{"fn":"duration","arg":"1h"}}]}}',
  // schemas and policies
  '"Long"', '"String"', '"Boolean"', '"Bool"', '"Record"', '"Set"', '"Entity"', '"Extension"', '"EntityOrCommon"', '"element"', '"attributes"', '"required"', '"additionalAttributes"', '"name"', '"entityTypes"', '"actions"', '"commonTypes"', '"annotations"',
  '"memberOf"', '"memberOfTypes"', '"appliesTo"', '"principalTypes"', '"resourceTypes"', '"context"', '"shape"', '"enum"', '{"type":"Long"}', '{"type":"Set","element":{"type":"Long"}}', '{"type":"Record","attributes":{}}', '{"type":"Extension","name":"ipaddr"}', '{"type":"Entity","name":"User"}', '{"type":"EntityOrCommon","name":"Long"}', '{"type":"T"}',
  '"effect"', '"permit"', '"forbid"', '"principal"', '"action"', '"resource"', '"op"', '"All"', '"=="', '"in"', '"is"', '"slot"', '"?principal"', '"entity"', '"entities"', '"entity_type"', '"conditions"', '"kind"', '"when"', '"unless"', '"body"', '"Value"', '"Var"', '"Slot"', '"Unknown"', '"!"', '"neg"', '"&&"', '"||"', '"+"', '"."', '"has"', '"attr"', '"left"', '"right"', '"like"', '"pattern"', '"Wildcard"', '{"Literal":"a"}',
  '{"Value":1}', '{"Value":true}', '{"Value":"a"}', '{"Var":"principal"}', '{"Var":"x"}', '{"Slot":"?principal"}', '{"Set":[]}', '{"Record":{}}', '{"ip":[{"Value":"x"}]}', '{"decimal":[]}', '{"nope":[]}', '{"isIpv4":[{"Value":1}]}', '"if-then-else"', '"contains"', '"isEmpty"', '"getTag"',
];
export const WORDS = { cedar: CEDAR, schema: SCHEMA, json: JSON_BITS };

const IDENT = /^[A-Za-z_]/, NUMBER = /^[0-9]/, SPACE = /^\s/;
const classOf = (t) => (IDENT.test(t) ? 1 : NUMBER.test(t) ? 2 : t[0] === '"' ? 3 : SPACE.test(t) ? 4 : 5);

// Another token of the same sort, so that many mutants are still well formed.
function alike(r, token, tokens, words) {
  const sort = classOf(token);
  if (sort === 4) return r.pick([" ", "\n", "\t", "  // c\n", "\u00a0", "\u2003", "\v", "//\n", "\u0085"]);
  const fit = [...tokens, ...words].filter((t) => classOf(t) === sort && t !== token && t.length < 60);
  return fit.length ? r.pick(fit) : token;
}

const LONE = /\p{Surrogate}/gu; // half a character cannot travel as UTF-8
const MOST = 6000; // characters of one mutant

export function mutate(r, text, words, other) {
  let tokens = text.match(TOKEN) ?? [];
  for (let n = r.weighted({ 1: 6, 2: 3, 3: 1 }); n > 0; n--) {
    const at = r.below(tokens.length + 1);
    switch (r.weighted({ alike: 22, drop: 4, insert: 5, replace: 5, swap: 2, twice: 2, char: 4, run: 2, splice: 1, cut: 1, shift: 2 })) {
      case "alike": if (tokens[at]) tokens[at] = alike(r, tokens[at], tokens, words); break;
      case "drop": tokens.splice(at, 1); break;
      case "insert": tokens.splice(at, 0, r.chance(75) ? ` ${r.pick(words)} ` : r.pick(CHARS)); break;
      case "replace": tokens.splice(at, 1, r.chance(85) ? r.pick(words) : r.pick(CHARS)); break;
      case "swap": if (at + 2 < tokens.length) [tokens[at], tokens[at + 2]] = [tokens[at + 2], tokens[at]]; break;
      case "twice": if (tokens[at]) tokens.splice(at, 0, tokens[at]); break;
      case "run": tokens.splice(at, r.between(2, 6)); break;
      case "shift": { // a token of this text to another place
        const from = r.below(tokens.length);
        if (tokens[from]) tokens.splice(at, 0, tokens[from]);
        break;
      }
      case "splice": tokens = [...tokens.slice(0, at), ...(other.match(TOKEN) ?? []).slice(r.below(30))]; break;
      case "cut": tokens = tokens.slice(0, at); break;
      default: {
        const whole = [...tokens.join("")];
        const i = r.below(whole.length + 1);
        whole.splice(i, r.below(2), r.pick(CHARS));
        tokens = whole.join("").match(TOKEN) ?? [];
      }
    }
  }
  return tokens.join("").slice(0, MOST).replace(LONE, "\ufffd");
}
