# Every library from outside, once; versions as Debian 12 packages them.
find_package(PkgConfig REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv>=1.44)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium>=1.0.18)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp>=2.5)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson>=2.14)
# Recorded traces, which tipstaff replay reads, are compressed.
pkg_check_modules(LZMA REQUIRED IMPORTED_TARGET liblzma>=5.2)
# libyaml, the parser beneath libcyaml: its events carry the line of every value,
# which errors must name, and maps with free keys need no schema.
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
# DNS of the broker.
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares>=1.18)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka>=1.1)
# msgpack-c writes (header-only use) and is the oracle in differential tests.
pkg_check_modules(MSGPACK REQUIRED IMPORTED_TARGET msgpack)
# The broker's proxy: HTTP/1 and, towards hosts, TLS. libhttp-parser has no .pc.
pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET openssl>=3.0)
find_library(HTTP_PARSER_LIBRARY http_parser REQUIRED)
find_path(HTTP_PARSER_INCLUDE http_parser.h REQUIRED)
add_library(HttpParser INTERFACE)
target_link_libraries(HttpParser INTERFACE ${HTTP_PARSER_LIBRARY})
target_include_directories(HttpParser SYSTEM INTERFACE ${HTTP_PARSER_INCLUDE})
