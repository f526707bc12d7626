# The layer "metadata", with a tool of its own.
find_package(Threads REQUIRED)
add_executable(sandbox_metadata metadata_tool.c)
target_link_libraries(sandbox_metadata PRIVATE ts_warnings Threads::Threads)
ts_test(NAME sandbox.launcher.metadata TIMEOUT 300
    SOURCES metadata_test.c harness.c host.c
    LINK box_harness sidecar_core sidecar_manifest sidecar_supervisor
         launcher_metadata)
target_include_directories(sandbox_launcher_metadata PRIVATE
    ${CMAKE_CURRENT_SOURCE_DIR})
target_compile_definitions(sandbox_launcher_metadata PRIVATE
    LAUNCHER_PROGRAM="$<TARGET_FILE:tipstaff-launcher>"
    CANARY_PROGRAM="$<TARGET_FILE:tipstaff-canary>"
    PROBE_PROGRAM="$<TARGET_FILE:sandbox_metadata>")
add_dependencies(sandbox_launcher_metadata tipstaff-launcher tipstaff-canary
                 sandbox_metadata)
set_target_properties(sandbox_metadata PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
