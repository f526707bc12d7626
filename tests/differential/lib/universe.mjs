// Entities, requests and contexts: small enough to be quick, odd enough to hurt.
import { quote } from "./tree.mjs";

export const TYPES = ["User", "Team", "NS::Doc", "NS::Sub::Folder", "_T1"];
export const ACTION_TYPES = ["Action", "NS::Action"];
export const IDS = ["a", "b", "c", "d", "", "x y", 'q"t', "é", "🐴", "\u0000"];
const ACTIONS = ["view", "edit", "share now", "all"];
export const STRINGS = [
  "", "a", "ab", "abc", "*", "a*c", "10.0.0.1", "1.5", "2024-01-01", "1h", "\u0000", "\\", "é", "e\u0301", "🐴", '"', "\n", "A", "abcabc",
  "aaaaaaaab", "\u{10ffff}", "x".repeat(70),
];
export const LONGS = [
  0n, 1n, -1n, 2n, 3n, 7n, 10n, 100n, 1000n, 4611686018427387904n, 9223372036854775807n, -9223372036854775808n, 9007199254740993n,
  -4611686018427387905n, 3037000500n,
];
export const IPS = [
  "10.0.0.1", "10.0.0.0/8", "10.0.0.1/32", "127.0.0.1", "127.0.0.0/7", "224.0.0.1", "0.0.0.0/0", "255.255.255.255", "192.168.1.7/24",
  "::1", "::", "fe80::1", "ff00::/8", "ff02::1", "1:2:3:4:5:6:7:8/64", "::/0", "::ffff:a00:1", "2001:db8::/32", "ABCD::1",
];
export const BAD_IPS = ["", "10.0.0", "10.0.0.256", "10.0.0.1/33", "10.0.0.01", "10.0.0.1/08", "::1/129", ":::", "1::2::3", "10.0.0.1 ", "a", "::ffff:10.0.0.1"];
export const DECIMALS = [
  "0.0", "1.0", "-1.0", "1.5", "1.50", "-0.0", "0.0001", "922337203685477.5807", "-922337203685477.5808", "00.10", "12345.6789",
];
export const BAD_DECIMALS = ["", "1", "1.", ".5", "1.23456", "922337203685477.5808", "-922337203685477.5809", "+1.0", "1.0 ", "1,0", "٣.0"];
export const DATETIMES = [
  "1970-01-01", "2024-02-29", "2024-01-01T00:00:00Z", "2024-01-01T10:20:30.123Z", "2024-01-01T10:20:30+0130", "1969-12-31T23:59:59.999Z",
  "0000-01-01", "9999-12-31T23:59:59.999-2359", "2024-12-31T23:59:59-1000", "0000-01-01T00:00:00+2359", "1900-03-01",
];
export const BAD_DATETIMES = [
  "", "2024-02-30", "2023-02-29", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00", "2024-1-1", "2024-01-01T00:00:60Z", "2024-01-01T00:00:00+2400",
  "2024-01-01T00:00:00.12Z", "2024-01-01t00:00:00Z", "+2024-01-01", "2024-13-01", "2024-01-01T00:00:00+00:00",
];
export const DURATIONS = [
  "0ms", "1ms", "-1ms", "1d", "1d2h3m4s5ms", "-1d12h", "9223372036854775807ms", "-9223372036854775808ms", "106751991167d", "36h", "90m", "00s",
];
export const BAD_DURATIONS = ["", "1", "1h1d", "d", "1d 2h", "--1s", "9223372036854775808ms", "1.5h", "1ms1s", "106751991168d", "-", "1D"];
export const EXT = {
  ip: [IPS, BAD_IPS], decimal: [DECIMALS, BAD_DECIMALS], datetime: [DATETIMES, BAD_DATETIMES], duration: [DURATIONS, BAD_DURATIONS],
};

// Attribute name -> the kind of value it usually has.
export const ATTRS = {
  n: "long", m: "long", s: "string", t: "string", b: "bool", u: "entity", ns: "set:long", es: "set:entity", ss: "set:string",
  r: "record", ip: "ip", dec: "decimal", dt: "datetime", dur: "duration", "odd key": "long", "": "string", if: "bool", "ключ": "long",
  permit: "entity", 'a"b': "record",
};
const FIELDS = { n: "long", s: "string", b: "bool", u: "entity", r: "record", ip: "ip", "x y": "long" };
export const ATTR_NAMES = Object.keys(ATTRS);
export const FIELD_NAMES = Object.keys(FIELDS);
const SCALARS = ["long", "string", "bool", "entity", "ip", "decimal", "datetime", "duration"];

export const uid = (r) => ({ t: r.chance(12) ? r.pick(TYPES) : r.pick(TYPES.slice(0, 3)), i: r.chance(85) ? r.pick(IDS.slice(0, 4)) : r.pick(IDS) });
export const action = (r) => ({ t: r.chance(85) ? "Action" : "NS::Action", i: r.pick(ACTIONS) });

export function value(r, kind, depth = 2) {
  switch (kind) {
    case "long": return { k: kind, v: r.chance(60) ? BigInt(r.between(-3, 12)) : r.pick(LONGS) };
    case "string": return { k: kind, v: r.pick(STRINGS) };
    case "bool": return { k: kind, v: r.chance(50) };
    case "entity": return { k: kind, ...uid(r) };
    case "record": {
      const fs = depth <= 0 ? [] : r.some(FIELD_NAMES, 45).map((n) => [n, value(r, r.chance(90) ? FIELDS[n] : r.pick(SCALARS), depth - 1)]);
      return { k: kind, fs };
    }
    case "ip": case "decimal": case "datetime": case "duration":
      return { k: kind, v: r.pick(EXT[kind][0]) };
    default: {
      const of = kind.split(":")[1] ?? r.pick(SCALARS);
      const n = depth <= 0 ? 0 : r.below(5);
      return { k: "set", xs: Array.from({ length: n }, () => value(r, r.chance(92) ? of : r.pick([...SCALARS, "record"]), depth - 1)) };
    }
  }
}

export const attrValue = (r, name) => value(r, r.chance(88) ? ATTRS[name] : r.pick([...SCALARS, "record", "set:long"]));

const J = JSON.stringify;
export const uidJson = (u, wrapped) => {
  const bare = `{"type":${J(u.t)},"id":${J(u.i)}}`;
  return wrapped ? `{"__entity":${bare}}` : bare;
};

export function valueJson(v) {
  switch (v.k) {
    case "long": return String(v.v);
    case "string": return J(v.v);
    case "bool": return String(v.v);
    case "entity": return uidJson(v, true);
    case "set": return `[${v.xs.map(valueJson).join(",")}]`;
    case "record": return `{${v.fs.map(([k, x]) => `${J(k)}:${valueJson(x)}`).join(",")}}`;
    default: return `{"__extn":{"fn":"${v.k}","arg":${J(v.v)}}}`;
  }
}

// The same value as an expression of a policy.
export function valueExpr(v) {
  switch (v.k) {
    case "long": case "string": case "bool": return { k: "lit", v: v.v };
    case "entity": return { k: "uid", t: v.t, i: v.i };
    case "set": return { k: "set", xs: v.xs.map(valueExpr) };
    case "record": return { k: "rec", fs: v.fs.map(([k, x]) => [k, valueExpr(x)]) };
    default: return { k: "call", fn: v.k, xs: [{ k: "lit", v: v.v }] };
  }
}

const same = (a, b) => a.t === b.t && a.i === b.i;

// Parents point to later members or to nothing at all: no cycles.
export function entities(r, count) {
  const pool = [];
  while (pool.length < count) {
    const u = r.chance(12) ? action(r) : uid(r);
    if (!pool.some((p) => same(p, u))) pool.push(u);
  }
  return pool.map((u, at) => {
    const isAction = u.t.endsWith("Action");
    const later = pool.slice(at + 1).filter((p) => p.t.endsWith("Action") === isAction);
    const parents = r.some(later, 35);
    if (r.chance(10)) parents.push(isAction ? { t: "Action", i: "all" } : { t: "Team", i: "missing" });
    return {
      uid: u,
      parents: parents.filter((p, i) => !same(p, u) && parents.findIndex((q) => same(p, q)) === i),
      attrs: r.some(ATTR_NAMES, 40).map((n) => [n, attrValue(r, n)]),
      tags: r.chance(50) ? r.some(["a", "b", "k v", "", "s"], 45).map((n) => [n, attrValue(r, r.pick(["n", "s", "u", "ns"]))]) : [],
    };
  });
}

const fields = (fs) => `{${fs.map(([k, v]) => `${J(k)}:${valueJson(v)}`).join(",")}}`;

export function entityJson(e) {
  const parents = e.parents.map((p, i) => uidJson(p, i % 2 === 1)).join(",");
  const tags = e.tags.length ? `,"tags":${fields(e.tags)}` : "";
  return `{"uid":${uidJson(e.uid, false)},"attrs":${fields(e.attrs)},"parents":[${parents}]${tags}}`;
}

export const entitiesJson = (es) => `[${es.map(entityJson).join(",")}]`;
export const contextJson = fields;

export function request(r, es) {
  const known = (percent, fallback, test) => {
    const fit = es.filter((e) => test(e.uid.t)).map((e) => e.uid);
    return fit.length && r.chance(percent) ? r.pick(fit) : fallback(r);
  };
  return {
    p: known(88, uid, (t) => !t.endsWith("Action")),
    a: known(40, action, (t) => t.endsWith("Action")),
    r: known(85, uid, (t) => !t.endsWith("Action")),
    c: r.some(ATTR_NAMES, 50).map((n) => [n, attrValue(r, n)]),
  };
}

export const uidText = (u) => `${u.t}::${quote(u.i)}`;
