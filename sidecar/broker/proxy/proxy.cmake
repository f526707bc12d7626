# The proxy: parsers and the state machine, pure; then its sockets. Included by
# the broker's list, so the paths are the broker's.
ts_library(broker_http DIR sidecar/broker
    SOURCES proxy/exchange.c proxy/http.c proxy/http_forward.c
            proxy/http_head.c proxy/http_rules.c proxy/inject.c proxy/session.c
            proxy/socks5.c proxy/tls_up.c
    LINK broker_rules sidecar_tripwire PkgConfig::SODIUM PkgConfig::OPENSSL
         HttpParser)
ts_library(broker_proxy DIR sidecar/broker
    SOURCES proxy/conn.c proxy/host.c proxy/proxy.c proxy/setup.c privilege.c
    LINK broker_core broker_http proto_trust)
