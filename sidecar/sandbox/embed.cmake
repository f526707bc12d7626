# cmake -DROOT=profiles -DOUT=file.c -P embed.cmake : the built-in profiles as a
# sorted table of texts.
file(GLOB files RELATIVE ${ROOT} ${ROOT}/*.yaml)
list(SORT files)
set(arrays "")
set(table "")
set(i 0)
foreach(f IN LISTS files)
    file(READ "${ROOT}/${f}" hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
           "\\1\n    " bytes "${bytes}")
    string(APPEND arrays "static const char file_${i}[] = {\n    ${bytes}0x00};\n")
    string(APPEND table
           "    {\"built-in/${f}\", {file_${i}, sizeof(file_${i}) - 1}},\n")
    math(EXPR i "${i} + 1")
endforeach()
file(WRITE "${OUT}.new" "/* Made by embed.cmake from sidecar/sandbox/profiles; do not edit. */
#include \"sidecar/sandbox/builtin.h\"

${arrays}
const struct sandbox_source sandbox_builtins[] = {
${table}    {NULL, {NULL, 0}},
};
")
file(RENAME "${OUT}.new" "${OUT}")
