# The proxy: parsers and the state machine, pure; then its sockets.
ts_library(broker_http DIR sidecar/broker
    SOURCES http_head.c http_rules.c http_forward.c socks5.c inject.c tls_up.c
            proxy_session.c proxy_http.c proxy_exchange.c
    LINK broker_rules sidecar_tripwire PkgConfig::SODIUM PkgConfig::OPENSSL
         HttpParser)
ts_library(broker_proxy DIR sidecar/broker
    SOURCES proxy.c proxy_conn.c proxy_host.c proxy_setup.c privilege.c
    LINK broker_core broker_http proto_trust)
