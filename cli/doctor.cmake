# doctor tries the sandbox layers with the launcher's own code, and the boxes
# with launchers.
target_sources(cli_commands PRIVATE cmd_doctor.c doctor/boxes.c doctor/hook.c
               doctor/remedy.c doctor/service.c doctor/state.c)
target_link_libraries(cli_commands PUBLIC sandbox_layers sidecar_core
                      sidecar_manifest supervisor_config)
