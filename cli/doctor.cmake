# doctor tries the sandbox layers with the launcher's own code.
target_sources(cli_commands PRIVATE cmd_doctor.c)
target_link_libraries(cli_commands PUBLIC sandbox_layers)
