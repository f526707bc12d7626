"""The manifests fit the restricted Pod Security Standard and our own rules.

usage: kubernetes_test.py DIRECTORY
"""
import os
import sys

import yaml

base = os.path.join(sys.argv[1], "base")
failures = 0


def check(what, ok):
    global failures
    print(("ok    " if ok else "FAIL  ") + what)
    failures += not ok


with open(os.path.join(base, "deployment.yaml")) as f:
    documents = list(yaml.safe_load_all(f))
with open(os.path.join(base, "kustomization.yaml")) as f:
    kustomization = yaml.safe_load(f)
with open(os.path.join(base, "config/tipstaff.yaml")) as f:
    settings = yaml.safe_load(f)

# Keys of a pod that are known here; a misspelt one would be dropped silently
# by an older API server.
KNOWN_POD = {"shareProcessNamespace", "automountServiceAccountToken",
             "terminationGracePeriodSeconds", "securityContext",
             "initContainers", "containers", "volumes"}
KNOWN_CONTAINER = {"name", "image", "command", "args", "env", "restartPolicy",
                   "securityContext", "volumeMounts", "startupProbe",
                   "livenessProbe", "resources"}
ALLOWED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral",
                   "persistentVolumeClaim", "projected", "secret"}

for doc in documents:
    pod = doc["spec"]["template"]["spec"]
    check("no unknown key in the pod", set(pod) <= KNOWN_POD)
    for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
        check(f"{forbidden} is not set", not pod.get(forbidden))
    check("processes are not shared", pod["shareProcessNamespace"] is False)
    for volume in pod["volumes"]:
        kind = set(volume) - {"name"}
        check(f"volume {volume['name']} is of a restricted kind",
              len(kind) == 1 and kind <= ALLOWED_VOLUMES)
    containers = pod["initContainers"] + pod["containers"]
    for c in containers:
        name, sc = c["name"], c.get("securityContext", {})
        check(f"{name}: no unknown key", set(c) <= KNOWN_CONTAINER)
        check(f"{name}: runAsNonRoot, uid not 0",
              sc.get("runAsNonRoot") is True and sc.get("runAsUser", 0) > 0)
        check(f"{name}: no privilege escalation",
              sc.get("allowPrivilegeEscalation") is False
              and not sc.get("privileged"))
        check(f"{name}: all capabilities dropped, none added",
              sc.get("capabilities") == {"drop": ["ALL"]})
        check(f"{name}: seccomp profile",
              sc.get("seccompProfile", {}).get("type") in
              ("RuntimeDefault", "Localhost"))
        check(f"{name}: read-only root", sc.get("readOnlyRootFilesystem"))
        check(f"{name}: no host port, memory limit",
              "ports" not in c and "memory" in c["resources"]["limits"])
        mounted = {v["name"] for v in c["volumeMounts"]}
        known = {v["name"] for v in pod["volumes"]}
        check(f"{name}: every mount is a volume", mounted <= known)
    sidecar = next(c for c in pod["initContainers"] if c["name"] == "tipstaff")
    agent = next(c for c in pod["containers"] if c["name"] == "agent")
    check("the sidecar is a native one", sidecar["restartPolicy"] == "Always")
    check("the agent waits for it", sidecar["startupProbe"]["exec"]["command"]
          == ["/usr/bin/tipstaff", "status"])
    check("agent and sidecar are different users",
          agent["securityContext"]["runAsUser"]
          != sidecar["securityContext"]["runAsUser"])
    check("the agent mounts its socket, read-only, and nothing else",
          agent["volumeMounts"] == [{"name": "agent-socket",
                                     "mountPath": "/run/tipstaff/agent",
                                     "readOnly": True}])
    check("the status probe is allowed to ask", settings["admin_uids"] ==
          [sidecar["securityContext"]["runAsUser"]])
    secrets = {v["name"]: v["secret"] for v in pod["volumes"] if "secret" in v}
    check("secrets are 0400, which fsGroup makes 0440",
          secrets and pod["securityContext"]["fsGroup"] > 0 and
          all(v["defaultMode"] == 0o400 for v in secrets.values()))
    check("they are the generated ones", {v["secretName"] for v in secrets.values()}
          == {g["name"] for g in kustomization["secretGenerator"]})
    keyed = [m for m in sidecar["volumeMounts"] if m["name"] in secrets]
    check("the sidecar mounts them whole and read-only, at its key",
          {m["name"] for m in keyed} == set(secrets) and all(
              m["readOnly"] and "subPath" not in m and
              settings["key"].startswith(m["mountPath"] + "/") for m in keyed))
    check("the key is one of the Secret's", os.path.basename(settings["key"]) in
          {f.split("=")[0] for g in kustomization["secretGenerator"]
           for f in g["files"]})
    check("whoever reads a secret is in its group", sidecar["securityContext"]
          ["runAsGroup"] == pod["securityContext"]["fsGroup"])
    check("the operators' socket is in a volume of the sidecar alone",
          [c["name"] for c in containers for m in c["volumeMounts"]
           if m["name"] == "admin-socket"] == ["tipstaff"])
    grace = settings.get("grace_ms", 10000) / 1000
    check("time enough to drain", pod["terminationGracePeriodSeconds"] >
          grace + 10)
    sources = [s["configMap"] for v in pod["volumes"] if "projected" in v
               for s in v["projected"]["sources"]]
    items = {i["key"] for s in sources if not s.get("optional")
             for i in s["items"]}
    check("the directory has a ConfigMap of its own", all(
        (i["key"].startswith("directory.")) == (s["name"] == "tipstaff-directory")
        for s in sources for i in s["items"]))
    check("a heartbeat may be missing, and nothing else", {
        i["key"] for s in sources if s.get("optional") for i in s["items"]} ==
        {"directory.heartbeat"})
    made = {f.split("=")[0].rsplit("/", 1)[-1]
            for g in kustomization["configMapGenerator"] for f in g["files"]}
    check("every file of the ConfigMap is mounted", items == made)
starter = os.path.join(sys.argv[1], "../cli/starter")
named = {g["name"]: g.get("options", {}) for g in kustomization["configMapGenerator"]}
check("a new directory does not restart the pods",
      named["tipstaff-directory"].get("disableNameSuffixHash") is True)
SIGNED = {"tenants/{{tenant}}/directory.snapshot"}  # init makes it, not the starter
for g in kustomization["configMapGenerator"]:
    for f in g["files"]:
        path = f.split("=")[-1].replace("config/", "", 1)
        path = path.replace("tenants/acme", "tenants/{{tenant}}")
        check(f"{path} is what init writes",
              path in SIGNED or os.path.exists(os.path.join(starter, path)))
print(f"{failures} failed")
sys.exit(1 if failures else 0)
