# A library for programs of others: lib/lib<output>.a and .so with a pkg-config
# file. Both carry the objects of all the parts, so that -l<output> is all that
# a program names; only what the parts declare visible can be seen. LINK: other
# packages that a program must link, too.
#
#   ts_public_library(tipstaff PC shim/tipstaff.pc.in PARTS shim_core ... LINK ...)
function(ts_public_library output)
    cmake_parse_arguments(L "" "PC" "PARTS;LINK" ${ARGN})
    set(parts)
    foreach(part ${L_PARTS})
        list(APPEND parts $<TARGET_OBJECTS:${part}>)
    endforeach()
    # The archive holds one object, in which what is hidden is local: a program
    # may have a ts_buf_init() of its own.
    set(one ${CMAKE_CURRENT_BINARY_DIR}/${output}.o)
    add_custom_command(OUTPUT ${one} DEPENDS ${parts} COMMAND_EXPAND_LISTS
        COMMAND ${CMAKE_LINKER} -r -o ${one} ${parts}
        COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${one} VERBATIM)
    set_source_files_properties(${one} PROPERTIES EXTERNAL_OBJECT ON
                                GENERATED ON)
    string(MAKE_C_IDENTIFIER ${output} id)
    add_library(${id}_static STATIC ${one})
    add_library(${id}_shared SHARED ${parts})
    foreach(lib ${id}_static ${id}_shared)
        set_target_properties(${lib} PROPERTIES OUTPUT_NAME ${output}
                              LINKER_LANGUAGE C
                              ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib
                              LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
        target_link_libraries(${lib} PUBLIC ${L_LINK})
    endforeach()
    set_target_properties(${id}_shared PROPERTIES VERSION ${PROJECT_VERSION}
                          SOVERSION 0)
    # The project links programs with -pie; a shared library must not be one.
    target_link_options(${id}_shared PRIVATE
                        $<$<C_COMPILER_ID:GNU>:-no-pie>
                        $<$<C_COMPILER_ID:Clang>:-Wno-unused-command-line-argument>
                        -shared)
    # Relative, so that an installation can be moved (cmake --install --prefix).
    file(RELATIVE_PATH up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
    string(REGEX REPLACE "/$" "" up ${up})
    configure_file(${L_PC} ${CMAKE_BINARY_DIR}/lib/pkgconfig/${output}.pc @ONLY)
    install(TARGETS ${id}_static ${id}_shared
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
            LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(FILES ${CMAKE_BINARY_DIR}/lib/pkgconfig/${output}.pc
            DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
