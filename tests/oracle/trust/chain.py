"""Sections 2 to 5: chains of blocks."""
from . import agent_cert
from . import pae as p

CHAIN, PAYLOAD, POLICY, ATTRS, ATTR_KEY, ATTR_VALUE, CERT = 32768, 8192, 4096, 16, 32, 128, 512
ROOT_TEXTS = ("tenant", "issuer", "user", "agent")


def block_message(i, prev, payload):
    return p.pae("grant-link" if i else "grant-root", prev, payload)


def split(chain):
    p.need(len(chain) <= CHAIN, "E_LIMIT")
    r = p.Smp(chain)
    r.version(3)
    kid, count = r.bin(exact=16), r.array()
    p.need(count > 0, "E_FORMAT")
    p.need(count <= 8, "E_DEPTH")
    blocks = []
    for _ in range(count):
        r.tuple(2)
        blocks.append((r.bin(limit=PAYLOAD), r.bin(exact=64)))
    r.end()
    return kid, blocks


def decode_payload(i, payload):
    r, b = p.Smp(payload), {}
    n = r.array()
    p.need(r.uint() == (1 if i else 0), "E_TYPE")
    p.need(n == (10 if i else 16), "E_FORMAT")
    b["nonce"] = r.bin(exact=16)
    for name in (("agent",) if i else ROOT_TEXTS):
        b[name] = r.text(p.ID_MAX)
    b["holder"] = r.bin(exact=32)
    if not i:
        b["aud"], b["task"] = r.text(p.ID_MAX), r.text(p.ID_MAX)
    b["iat"], b["nbf"], b["exp"], b["depth"] = r.uint(), r.uint(), r.uint(), r.uint()
    if not i:
        b["max_calls"] = r.uint()
    b["policies"] = r.text(POLICY)
    if i:
        b["cert"] = r.bin(limit=CERT)
    else:
        last, b["attrs"] = None, []
        for _ in r.list(ATTRS):
            r.tuple(2)
            k, v = r.text(ATTR_KEY), r.text(ATTR_VALUE)
            p.need(last is None or last < k.encode(), "E_FORMAT")
            last = k.encode()
            b["attrs"].append([k, v])
    r.end()
    return b


def verified_blocks(issuer_pk, wire):
    prev, signer, out = p.blake(p.pae("anchor", issuer_pk)), issuer_pk, []
    for i, (payload, sig) in enumerate(wire):
        p.need(p.signature_ok(signer, block_message(i, prev, payload), sig), "E_SIG")
        b = decode_payload(i, payload)
        prev = b["id"] = p.blake(p.pae("link", prev, payload))
        signer = b["holder"]
        out.append(b)
    return out


def check_root(cfg, issuer, root):
    ids = [root[k] for k in ROOT_TEXTS + ("aud", "task")]
    p.need(all(map(p.id_ok, ids)), "E_ID")
    p.need(root["tenant"] == issuer["tenant"], "E_TENANT")
    p.need(root["issuer"] == issuer["name"], "E_ISSUER")
    p.need(root["aud"] in cfg.audiences, "E_AUD")
    p.need(root["nbf"] < root["exp"] and root["iat"] < root["exp"], "E_TIME")
    p.need(root["exp"] - root["iat"] <= cfg.store.tenants[root["tenant"]]["max_ttl"], "E_TTL")
    p.need(root["depth"] <= 7, "E_DEPTH")


def check_link(b, parent):
    p.need(p.id_ok(b["agent"]), "E_ID")
    p.need(b["nbf"] < b["exp"], "E_TIME")
    p.need(b["depth"] < parent["depth"], "E_DEPTH")


def static_checks(cfg, issuer, blocks):
    for i, b in enumerate(blocks):
        if i:
            check_link(b, blocks[i - 1])
        else:
            check_root(cfg, issuer, b)
        p.need(b["policies"] != "", "E_POLICY")
        p.need(p.point_ok(b["holder"]), "E_KEY")
        p.need(all(b["holder"] != o["holder"] for o in blocks[:i]), "E_KEY")
        if i and b["cert"]:
            b["vouched"], b["vouched_by"] = agent_cert.verify(cfg.store, b["cert"])
            p.need((b["vouched"]["tenant"], b["vouched"]["agent"], b["vouched"]["pk"]) ==
                   (blocks[0]["tenant"], b["agent"], b["holder"]), "E_AGENT")


def check_identity(cfg, root, b, parent):
    store, name = cfg.store, (root["tenant"], b["agent"])
    p.need(b["holder"] not in store.role_keys, "E_KEY")
    owner, own = store.agent_of_key(b["holder"]), store.agents.get(name)
    if parent is not None:
        p.need(owner is None or owner == name, "E_KEY")
    if parent is not None and b["cert"]:
        c = b["vouched"]
        p.need(c["nbf"] <= cfg.now + cfg.skew and cfg.now < c["exp"], "E_AGENT")
        p.need(store.kids.get(b["vouched_by"]) is not None, "E_AGENT")
        p.need(store.nearest(*name) is not None, "E_AGENT")
    elif own is not None:
        p.need(b["holder"] in own["keys"], "E_AGENT")
    else:
        p.need(parent is not None and p.below(b["agent"], parent["agent"]), "E_AGENT")
    entry = store.nearest(*name)
    p.need(entry is not None, "E_AGENT")
    p.need(entry.get("status", "active") == "active", "E_REVOKED")


def check_revoked(cfg, chain):
    gone, root, t = cfg.revoked, chain["blocks"][0], chain["blocks"][0]["tenant"]
    hit = [gone.hit(1, t, root["nonce"]), gone.hit(4, t, root["user"], root["iat"]),
           gone.hit(6, t, root["task"], root["iat"]), gone.hit(7, t, b"", root["iat"]),
           gone.hit(8, t, chain["kid"], root["iat"])]
    for b in chain["blocks"]:
        hit += [gone.hit(2, t, b["id"]), gone.hit(3, t, b["holder"], b["iat"])]
        name = b["agent"]
        while name:
            hit.append(gone.hit(5, t, name, b["iat"]))
            name = name.rpartition("/")[0]
        if b.get("cert"):
            c = b["vouched"]
            hit += [gone.hit(3, t, c["pk"], c["nbf"]), gone.hit(8, t, b["vouched_by"], c["nbf"])]
    p.need(not any(hit), "E_REVOKED")


def dynamic_checks(cfg, chain):
    blocks = chain["blocks"]
    root, store, now = blocks[0], cfg.store, cfg.now
    p.need(max(max(b["iat"], b["nbf"]) for b in blocks) <= now + cfg.skew, "E_NOT_YET")
    p.need(now < min(b["exp"] for b in blocks), "E_EXPIRED")
    p.need(store.in_window(store.kids[chain["kid"]], root["iat"]), "E_ISSUER")
    for i, b in enumerate(blocks):
        check_identity(cfg, root, b, blocks[i - 1] if i else None)
    status = store.user_status(root["tenant"], root["user"])
    p.need(status != "unknown", "E_USER")
    p.need(status == "active", "E_REVOKED")
    check_revoked(cfg, chain)


def verified(cfg, data):
    """cfg: store, revoked, audiences, now, skew. The chain, or Refused."""
    kid, wire = split(data)
    issuer = cfg.store.signer(kid, ("issuer",))
    chain = {"kid": kid, "blocks": verified_blocks(issuer["pk"], wire)}
    static_checks(cfg, issuer, chain["blocks"])
    dynamic_checks(cfg, chain)
    return chain


def verify(cfg, data):
    try:
        verified(cfg, data)
        return "OK"
    except p.Refused as e:
        return str(e)


def sign(payloads, keys, types=None, kid_key=None, version=1):
    """Payloads (lists or bytes) signed by keys[i]; returns (wire, block ids)."""
    issuer = bytes((kid_key or keys[0]).verify_key)
    prev, blocks, ids = p.blake(p.pae("anchor", issuer)), [], []
    for i, (payload, key) in enumerate(zip(payloads, keys)):
        raw = payload if isinstance(payload, bytes) else p.pack(payload)
        t = types[i] if types else i
        blocks.append([raw, key.sign(block_message(t, prev, raw)).signature])
        prev = p.blake(p.pae("link", prev, raw))
        ids.append(prev)
    return p.pack([version, p.kid_of(issuer), blocks]), ids
