# Turns a text file into a C array, so that a schema or template needs no path at run time.
#   cmake -DINPUT=file -DOUTPUT=file.c -DSYMBOL=name -P embed.cmake
# Gives: const char name[] (terminated) and const unsigned name_size (without the terminator).
file(READ "${INPUT}" hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)"
                     "\\1\n" bytes "${bytes}")
get_filename_component(source "${INPUT}" NAME)
file(WRITE "${OUTPUT}.new"
"/* Made from ${source} by scripts/embed.cmake. */
extern const char ${SYMBOL}[];
extern const unsigned ${SYMBOL}_size;
const char ${SYMBOL}[] = {
${bytes}
0x00};
const unsigned ${SYMBOL}_size = (unsigned)sizeof ${SYMBOL} - 1u;
")
file(COPY_FILE "${OUTPUT}.new" "${OUTPUT}" ONLY_IF_DIFFERENT)
