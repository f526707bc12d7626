# Warnings, hardening and sanitizers for every target of ours (STYLE 5.10).
include(CheckCCompilerFlag)
add_library(ts_warnings INTERFACE)
set(flags
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wcast-qual -Wcast-align=strict -Wpointer-arith -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wwrite-strings -Wundef -Wvla
    -Walloca -Wformat=2 -Wformat-signedness -Wimplicit-fallthrough
    -Wswitch-enum -Wnull-dereference -Wduplicated-cond -Wduplicated-branches
    -Wlogical-op -Wdouble-promotion -Wassign-enum -Wcomma
    -Wconditional-uninitialized -Wmissing-variable-declarations
    -fno-common -fvisibility=hidden -fstack-protector-strong
    -fstack-clash-protection -fcf-protection -ftrivial-auto-var-init=zero)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    list(APPEND flags -Wstack-usage=16384)
endif()
foreach(f IN LISTS flags)
    string(MAKE_C_IDENTIFIER "HAVE${f}" var)
    check_c_compiler_flag("-Werror ${f}" ${var})
    if(${var})
        target_compile_options(ts_warnings INTERFACE ${f})
    endif()
endforeach()
target_compile_definitions(ts_warnings INTERFACE _GNU_SOURCE)
if(TS_WERROR)
    target_compile_options(ts_warnings INTERFACE -Werror)
endif()
if(TS_SANITIZE)
    add_compile_options(-fsanitize=${TS_SANITIZE} -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${TS_SANITIZE})
    add_compile_definitions(TS_SANITIZED=1)
else()
    target_compile_definitions(ts_warnings INTERFACE
        $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=3>)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack -pie)
endif()
if(TS_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(TS_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
if(TS_FAULTS) # the callers of what failed are read from lines
    add_compile_options(-g1 -O0 -fno-omit-frame-pointer)
endif()
