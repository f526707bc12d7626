"""Whom a verifier trusts and knows: the configuration that both sides get."""
from . import pae as p

ROLES = ("issuer", "approver", "revoker", "directory", "sidecar")


class Store:
    """keys: dicts role, tenant, name, pk (bytes), not_before, not_after (0 is
    open, inclusive), disabled; agents: tenant, id, keys, status; users:
    tenant, id, status. A tenant with any_user takes whom the issuer names."""

    def __init__(self, keys, agents, tenants, users=()):
        self.keys = keys
        self.kids = {p.kid_of(k["pk"]): k for k in keys}
        self.agents = {(a["tenant"], a["id"]): a for a in agents}
        self.tenants = {t["id"]: t for t in tenants}
        self.users = {(u["tenant"], u["id"]): u for u in users}
        self.role_keys = {k["pk"] for k in keys}

    def signer(self, kid, roles):
        """The enabled key of that kid in one of the roles, or E_ISSUER."""
        k = self.kids.get(kid)
        p.need(k is not None and not k.get("disabled") and k["role"] in roles, "E_ISSUER")
        return k

    @staticmethod
    def in_window(key, when):
        return key.get("not_before", 0) <= when <= (key.get("not_after", 0) or 2**64 - 1)

    def agent_of_key(self, pk):
        return next((k for k, a in self.agents.items() if pk in a["keys"]), None)

    def nearest(self, tenant, agent):
        """The agent's own entry or that of the nearest ancestor, or None."""
        while agent:
            if (tenant, agent) in self.agents:
                return self.agents[(tenant, agent)]
            agent = agent.rpartition("/")[0]
        return None

    def user_status(self, tenant, user):
        if self.tenants[tenant].get("any_user"):
            return "active"
        return self.users.get((tenant, user), {}).get("status", "unknown")


class Revoked:
    """Section 7: entries (kind, tenant, target bytes) with a cut-off."""

    BY_ID = (1, 2, 10, 11, 12)

    def __init__(self):
        self.entries = {}

    def add(self, kind, tenant, target, cutoff=0):
        k = (kind, tenant, target)
        cutoff = 2**64 - 1 if kind in self.BY_ID else cutoff
        self.entries[k] = max(cutoff, self.entries.get(k, 0))

    def hit(self, kind, tenant, target, iat=0):
        if isinstance(target, str):
            target = target.encode()
        return iat <= self.entries.get((kind, tenant, target), -1)
