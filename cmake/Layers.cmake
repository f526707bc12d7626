# The dependency DAG. Sources include headers by their path from the top
# ("proto/base/ts_err.h"). Each library gets an include folder of its own that
# holds only a link to its own directory, so a target can include exactly what
# it links and nothing else: an upward include does not compile.
#
#   ts_library(proto_wire DIR proto/wire SOURCES ... LINK proto_base)
#   ts_program(tipstaff-gate SOURCES ... LINK ...)

function(ts_layer_include name dir ret)
    set(root ${CMAKE_BINARY_DIR}/include/${name})
    get_filename_component(parent ${root}/${dir} DIRECTORY)
    file(MAKE_DIRECTORY ${parent})
    file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${dir} ${root}/${dir} SYMBOLIC)
    set(${ret} ${root} PARENT_SCOPE)
endfunction()

function(ts_library name)
    cmake_parse_arguments(L "" "DIR" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
    ts_layer_include(${name} ${L_DIR} inc)
    add_library(${name} STATIC ${L_SOURCES})
    target_include_directories(${name} PUBLIC ${inc})
    target_link_libraries(${name} PUBLIC ${L_LINK}
                          PRIVATE ${L_PRIVATE_LINK} ts_warnings)
endfunction()

function(ts_program name)
    cmake_parse_arguments(P "" "" "SOURCES;LINK" ${ARGN})
    add_executable(${name} ${P_SOURCES})
    target_link_libraries(${name} PRIVATE ${P_LINK} ts_warnings)
endfunction()
