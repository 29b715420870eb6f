# cmake -DFOLDER=... -DLIST=... -DOUTPUT=... -P embed.cmake: writes a C file that holds every file of FOLDER that LIST
# names. Each array ends with a NUL that its length does not count, so that a text file is also a C string.

file(READ "${LIST}" names)
set(arrays "")
set(rows "")
set(count 0)
foreach(name IN LISTS names)
	file(READ "${FOLDER}/${name}" hex HEX)
	string(LENGTH "${hex}" length)
	math(EXPR length "${length} / 2")
	string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
	string(REGEX REPLACE "(................................................................................)"
		"\\1\n\t" bytes "${bytes}")
	string(APPEND arrays "static const unsigned char file_${count}[] = { /* ${name} */\n\t${bytes}0x00\n};\n\n")
	string(APPEND rows "\t{ \"${name}\", file_${count}, ${length} },\n")
	math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUTPUT}" "/* Written by cmake/embed.cmake from templates/. */
#include \"templates/embedded.h\"

${arrays}const struct embedded_file embedded_files[] = {
${rows}\t{ NULL, NULL, 0 },
};

const size_t embedded_files_count = ${count};
")
