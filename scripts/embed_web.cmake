# Turns the console's files into C arrays (scp/console/web_files.h).
#   cmake -DFOLDER=folder -DOUTPUT=file.c -P embed_web.cmake
file(GLOB files RELATIVE "${FOLDER}" "${FOLDER}/*")
list(SORT files)
set(arrays "")
set(rows "")
set(number 0)
foreach(name IN LISTS files)
    get_filename_component(extension "${name}" LAST_EXT)
    if(extension STREQUAL ".html")
        set(type "text/html; charset=utf-8")
    elseif(extension STREQUAL ".css")
        set(type "text/css; charset=utf-8")
    elseif(extension STREQUAL ".js")
        set(type "text/javascript; charset=utf-8")
    elseif(extension STREQUAL ".json")
        set(type "application/json")
    elseif(extension STREQUAL ".svg")
        set(type "image/svg+xml")
    else()
        message(FATAL_ERROR "${FOLDER}/${name}: the console has no type for such files")
    endif()
    file(READ "${FOLDER}/${name}" hex HEX)
    file(SHA256 "${FOLDER}/${name}" digest)
    file(SIZE "${FOLDER}/${name}" size)
    string(SUBSTRING "${digest}" 0 16 tag)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(................................................................................)"
                         "\\1\n" bytes "${bytes}")
    string(APPEND arrays "static const unsigned char file_${number}[] = {\n${bytes}\n};\n")
    string(APPEND rows "    {\"/${name}\", \"${type}\", \"\\\"${tag}\\\"\", file_${number}, ${size}},\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE "${OUTPUT}.new"
"/* Made from scp/console/web/ by scripts/embed_web.cmake. */
#include \"console/web_files.h\"

${arrays}
const struct web_file web_files[] = {
${rows}};
const size_t web_file_count = ${number};
")
file(COPY_FILE "${OUTPUT}.new" "${OUTPUT}" ONLY_IF_DIFFERENT)
