# Tool manifests: shared by gate and launcher, so that both read the same bytes
# with the same code.
ts_library(sidecar_manifest DIR sidecar/common
    SOURCES layer.c yaml_tree.c manifest/path.c manifest/url.c manifest/manifest.c manifest/key.c
            manifest/yaml.c manifest/arg.c manifest/box.c manifest/hosts.c
            manifest/network.c manifest/secrets.c manifest/check.c
            manifest/nesting.c manifest/output.c manifest/decimal.c
            manifest/json.c manifest/args.c manifest/argv.c
            manifest/bundle.c
    LINK sidecar_core
    PRIVATE_LINK PkgConfig::SODIUM PkgConfig::YAML)
