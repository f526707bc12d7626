# What no folder installs by itself: the man pages, and the processes that only
# tipstaffd starts.
install(TARGETS tipstaff-gate tipstaff-recorder
        DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/tipstaff)

find_program(TS_SCDOC scdoc)
if(TS_SCDOC)
    file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.scd)
    set(made)
    foreach(page IN LISTS pages)
        get_filename_component(name ${page} NAME)
        string(REGEX REPLACE "\\.scd$" "" name ${name}) # tipstaff.yaml.5
        string(REGEX REPLACE "^.*\\." "" section ${name})
        set(out ${CMAKE_BINARY_DIR}/man/${name})
        add_custom_command(OUTPUT ${out} DEPENDS ${page}
            COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
            COMMAND sh -c "${TS_SCDOC} <'${page}' >'${out}'" VERBATIM)
        list(APPEND made ${out})
        install(FILES ${out} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    endforeach()
    add_custom_target(man ALL DEPENDS ${made})
else()
    message(STATUS "scdoc is absent: no man pages")
endif()
