# Sourced: puts the official engine, at the version that package-lock.json
# pins by digest, where the scripts of this folder find it.
# shellcheck shell=sh
engine_install() {
    if [ -d node_modules/@cedar-policy/cedar-wasm ]; then
        return 0
    fi
    command -v npm >/dev/null || {
        echo "npm is absent" >&2
        return 1
    }
    npm ci --ignore-scripts --no-audit --no-fund >/dev/null
}
