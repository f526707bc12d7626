# Tool manifests: shared by gate and launcher, so that both read the same bytes
# with the same code.
ts_library(sidecar_manifest DIR sidecar/common
    SOURCES layer.c yaml_tree.c path.c url.c manifest.c manifest_key.c
            manifest_yaml.c manifest_arg.c manifest_box.c manifest_hosts.c
            manifest_network.c manifest_secrets.c manifest_check.c
            manifest_nesting.c manifest_output.c manifest_decimal.c
            manifest_json.c manifest_args.c manifest_argv.c
            manifest_bundle.c
    LINK sidecar_core
    PRIVATE_LINK PkgConfig::SODIUM PkgConfig::YAML)
