// JSON as it is written: numbers keep their digits, members their order and
// their duplicates. Text must be well formed.
const TOKEN = /\s*("(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+)/gsuy;

export function parse(text) {
  TOKEN.lastIndex = 0;
  const tokens = [];
  for (let m; TOKEN.lastIndex < text.length && (m = TOKEN.exec(text)); ) tokens.push(m[1]);
  let at = 0;
  const value = () => {
    const t = tokens[at++];
    if (t === "[") {
      const list = [];
      while (tokens[at] !== "]") list.push((tokens[at] === "," && at++, value()));
      at++;
      return { list };
    }
    if (t !== "{") return { raw: t };
    const members = [];
    while (tokens[at] !== "}") {
      if (tokens[at] === ",") at++;
      const key = tokens[at];
      at += 2;
      members.push([key, value()]);
    }
    at++;
    return { members };
  };
  return value();
}

export function write(n) {
  if (n.list) return `[${n.list.map(write).join(",")}]`;
  if (n.members) return `{${n.members.map(([k, v]) => `${k}:${write(v)}`).join(",")}}`;
  return n.raw;
}

const plain = (raw) => (raw[0] === '"' ? JSON.stringify(JSON.parse(raw)) : raw);

// One text for all ways to write the same value.
export function canonical(n) {
  if (n.list) return `[${n.list.map(canonical).join(",")}]`;
  if (n.members) return `{${n.members.map(([k, v]) => `${plain(k)}:${canonical(v)}`).sort().join(",")}}`;
  return plain(n.raw);
}

export const member = (n, key) => n.members?.find(([k]) => plain(k) === JSON.stringify(key))?.[1];

function nodes(n, out = []) {
  out.push(n);
  for (const c of n.list ?? n.members?.map(([, v]) => v) ?? []) nodes(c, out);
  return out;
}

const copy = (n) => parse(write(n));

// Damage to the structure; the text stays well formed.
export function mutate(r, text, words, other) {
  const root = parse(text);
  for (let count = r.weighted({ 1: 5, 2: 2, 3: 1 }); count > 0; count--) {
    const all = nodes(root);
    const n = r.pick(all);
    const given = () => copy(r.chance(60) ? r.pick(all) : r.chance(50) ? r.pick(nodes(parse(other))) : parse(r.pick(words)));
    const into = (v) => {
      delete n.list, delete n.members, delete n.raw;
      Object.assign(n, v);
    };
    switch (r.weighted({ replace: 4, drop: 4, add: 4, rename: 4, wrap: 1, twice: 1 })) {
      case "drop": (n.list ?? n.members)?.splice(r.below((n.list ?? n.members).length), 1); break;
      case "add":
        if (n.list) n.list.splice(r.below(n.list.length + 1), 0, given());
        else n.members?.splice(r.below(n.members.length + 1), 0, [r.pick(words.filter((w) => w[0] === '"')), given()]);
        break;
      case "rename":
        if (n.members?.length) r.pick(n.members)[0] = r.pick(words.filter((w) => w[0] === '"' && w.length > 2));
        else into(given());
        break;
      case "wrap": into(r.chance(50) ? { list: [copy(n)] } : { members: [[r.pick(['"a"', '"type"', '"__entity"', '"__extn"', '"Value"']), copy(n)]] }); break;
      case "twice": if (n.members?.length) n.members.push(structuredClone(r.pick(n.members))); break;
      default: into(given());
    }
  }
  return write(root);
}
