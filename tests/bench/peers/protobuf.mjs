// cerbos.request.v1.CheckResourcesRequest in protobuf, from its JSON.
function varint(n) {
  const out = [];
  for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) | 128);
  return Buffer.from([...out, n]);
}

const bytes = (field, b) => Buffer.concat([varint(field * 8 + 2), varint(b.length), b]);
const text = (field, s) => bytes(field, Buffer.from(s));
const entries = (field, map) => Object.entries(map).map(([k, v]) => bytes(field, Buffer.concat([text(1, k), bytes(2, value(v))])));

// google.protobuf.Value
function value(v) {
  switch (typeof v) {
    case "number": {
      const b = Buffer.alloc(9);
      b[0] = 2 * 8 + 1;
      b.writeDoubleLE(v, 1);
      return b;
    }
    case "string": return text(3, v);
    case "boolean": return Buffer.from([4 * 8, v ? 1 : 0]);
    default: return bytes(5, Buffer.concat(entries(1, v)));
  }
}

export function message(q) {
  const p = q.principal;
  const principal = Buffer.concat([text(1, p.id), ...p.roles.map((r) => text(3, r)), ...entries(4, p.attr)]);
  const resources = q.resources.map(({ actions, resource: r }) => {
    const body = Buffer.concat([text(1, r.kind), text(3, r.id), ...entries(4, r.attr)]);
    return bytes(4, Buffer.concat([...actions.map((a) => text(1, a)), bytes(2, body)]));
  });
  return Buffer.concat([text(1, q.requestId), bytes(3, principal), ...resources]);
}
