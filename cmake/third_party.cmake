# The libraries we stand on. libmicrohttpd and libjwt come from SALLYPORT_DEPS unless the system has them new enough.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(CURL 7.87 REQUIRED)	# CURLOPT_PROTOCOLS_STR

pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson>=1.7.15)
pkg_check_modules(LMDB REQUIRED IMPORTED_TARGET lmdb>=0.9.24)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2>=1.52)

list(PREPEND CMAKE_PREFIX_PATH "${SALLYPORT_DEPS}")
pkg_check_modules(LIBMICROHTTPD QUIET IMPORTED_TARGET libmicrohttpd>=1.0.10)
pkg_check_modules(LIBJWT QUIET IMPORTED_TARGET libjwt>=3.2.0)
if(NOT LIBMICROHTTPD_FOUND OR NOT LIBJWT_FOUND)
	message(FATAL_ERROR "libmicrohttpd >= 1.0.10 and libjwt >= 3.2 are needed: run ./dev deps, which builds them.")
endif()

# An archive names no libraries of its own: what a static libmicrohttpd needs besides.
target_link_libraries(PkgConfig::LIBMICROHTTPD INTERFACE Threads::Threads)
