# box_level LEVEL: after service_setup: tools get exactly that level: no more by
# the configuration, no less by $box, a line for their manifests. Sourced.
# shellcheck shell=bash
box_level() {
    service_walkable
    box="sandbox: $1" # for the scripts that source this
    if [ "$1" != strict ]; then
        printf 'sandbox: {level: %s}\n' "$1" >>"$service_dir/etc/tipstaff.yaml"
    fi
}
