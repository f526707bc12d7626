# The end of a call at every moment; see race_test.c and offsets_test.c.
add_executable(sandbox_race race_tool.c)
target_link_libraries(sandbox_race PRIVATE ts_warnings)
set_target_properties(sandbox_race PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
ts_test(NAME sandbox.launcher.race TIMEOUT 400 ARGS bare
    SOURCES race_test.c harness.c host.c look.c tally.c trap.c
    LINK box_harness sidecar_core sidecar_manifest)
ts_test(NAME sandbox.launcher.offsets TIMEOUT 180
    SOURCES offsets_test.c harness.c host.c look.c tally.c
    LINK box_harness sidecar_core sidecar_manifest)
foreach(test race offsets)
    target_include_directories(sandbox_launcher_${test} PRIVATE
        ${CMAKE_CURRENT_SOURCE_DIR})
    target_compile_definitions(sandbox_launcher_${test} PRIVATE
        LAUNCHER_PROGRAM="$<TARGET_FILE:tipstaff-launcher>"
        CANARY_PROGRAM="$<TARGET_FILE:tipstaff-canary>"
        PROBE_PROGRAM="$<TARGET_FILE:sandbox_race>")
    add_dependencies(sandbox_launcher_${test} tipstaff-launcher tipstaff-canary
                     sandbox_race)
endforeach()
foreach(mode userns uid full strict)
    add_test(NAME sandbox.launcher.race_${mode}
             COMMAND sandbox_launcher_race ${mode})
    set_tests_properties(sandbox.launcher.race_${mode} PROPERTIES
        LABELS sandbox TIMEOUT 400)
endforeach()
