# box_level LEVEL: after service_setup: the service offers that level at most, and
# $box holds what its manifests say beside it. Sourced.
# shellcheck shell=bash
box_level() {
    box='' # $box is for the scripts that source this
    if [ "$1" = strict ]; then
        box='sandbox: strict'
    else
        printf 'sandbox: {level: %s}\n' "$1" >>"$service_dir/etc/tipstaff.yaml"
    fi
}
