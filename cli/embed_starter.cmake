# cmake -DROOT=dir -DOUT=file.c -P embed_starter.cmake : the files below ROOT
# (but for README.md) as a sorted C table of byte arrays.
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/*)
list(REMOVE_ITEM files README.md)
list(SORT files)
set(arrays "")
set(table "")
set(i 0)
foreach(f IN LISTS files)
    file(READ "${ROOT}/${f}" hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
           "\\1\n    " bytes "${bytes}")
    string(APPEND arrays "static const uint8_t file_${i}[] = {\n    ${bytes}0x00};\n")
    string(APPEND table "    {\"${f}\", file_${i}, sizeof(file_${i}) - 1},\n")
    math(EXPR i "${i} + 1")
endforeach()
file(WRITE "${OUT}.new" "/* Made by embed_starter.cmake from cli/starter; do not edit. */
#include \"cli/starter.h\"

${arrays}
const struct starter_file starter_files[] = {
${table}    {NULL, NULL, 0},
};
")
file(RENAME "${OUT}.new" "${OUT}")
