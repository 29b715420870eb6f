# Warnings, hardening and sanitizers, for every target of ours. Asserts stay on in every build: no NDEBUG.

include(CheckCCompilerFlag)

add_compile_definitions(_GNU_SOURCE)
add_compile_options(
	-Wall -Wextra -Werror
	-Wshadow -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wpointer-arith
	-Wwrite-strings -Wswitch -Wimplicit-fallthrough
	-fno-common -fPIE
	"-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=")	# __FILE__ in an assert names the file, not the machine

add_link_options(-pie)

set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")

set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)

if(SALLYPORT_FUZZ)
	if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
		message(FATAL_ERROR "SALLYPORT_FUZZ needs clang: -DCMAKE_C_COMPILER=clang")
	endif()
	add_compile_options(${sanitizers} -fsanitize=fuzzer-no-link -fno-omit-frame-pointer)
	add_link_options(${sanitizers})
elseif(CMAKE_BUILD_TYPE STREQUAL "Debug")
	add_compile_options(${sanitizers})
	add_link_options(${sanitizers})
else()
	add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
		-fstack-protector-strong -fstack-clash-protection)
	check_c_compiler_flag(-fcf-protection=full SALLYPORT_HAVE_CF_PROTECTION)	# x86 only
	if(SALLYPORT_HAVE_CF_PROTECTION)
		add_compile_options(-fcf-protection=full)
	endif()
	add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack)
endif()
