# init, status, revoke: what an operator does with the service.
set(starter ${CMAKE_CURRENT_SOURCE_DIR}/starter)
file(GLOB_RECURSE starter_files CONFIGURE_DEPENDS ${starter}/*)
set(starter_c ${CMAKE_CURRENT_BINARY_DIR}/starter_table.c)
add_custom_command(OUTPUT ${starter_c}
    COMMAND ${CMAKE_COMMAND} -DROOT=${starter} -DOUT=${starter_c}
            -P ${CMAKE_CURRENT_SOURCE_DIR}/embed_starter.cmake
    DEPENDS ${starter_files} ${CMAKE_CURRENT_SOURCE_DIR}/embed_starter.cmake
    VERBATIM)
target_sources(cli_commands PRIVATE
    ${CMAKE_CURRENT_SOURCE_DIR}/service/cmd_init.c
    ${CMAKE_CURRENT_SOURCE_DIR}/service/init_tree.c
    ${CMAKE_CURRENT_SOURCE_DIR}/starter.c
    ${CMAKE_CURRENT_SOURCE_DIR}/service/cmd_status.c
    ${CMAKE_CURRENT_SOURCE_DIR}/service/cmd_revoke.c
    ${CMAKE_CURRENT_SOURCE_DIR}/service/revoke_send.c
    ${CMAKE_CURRENT_SOURCE_DIR}/service/revoke_record.c
    ${CMAKE_CURRENT_SOURCE_DIR}/admin_socket.c
    ${starter_c})
target_link_libraries(cli_commands PUBLIC proto_msg PkgConfig::SODIUM)
