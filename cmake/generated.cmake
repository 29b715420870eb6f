# What the build writes: sallyport_version.h, and the files of templates/ as C arrays.

set(generated "${CMAKE_BINARY_DIR}/generated")

# The commit is asked for at each build; the header, and so what includes it, changes only when the answer does.
add_custom_target(sallyport_version_header
	COMMAND "${CMAKE_COMMAND}" -DSOURCE=${CMAKE_SOURCE_DIR} -DVERSION=${PROJECT_VERSION}
		-DOUTPUT=${generated}/version/sallyport_version.h -P "${CMAKE_SOURCE_DIR}/cmake/version.cmake"
	BYPRODUCTS "${generated}/version/sallyport_version.h"
	VERBATIM)
add_library(sp_version INTERFACE)
target_include_directories(sp_version INTERFACE "${generated}/version")
add_dependencies(sp_version sallyport_version_header)

file(GLOB_RECURSE templates CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/templates"
	"${CMAKE_SOURCE_DIR}/templates/*.html" "${CMAKE_SOURCE_DIR}/templates/*.css"
	"${CMAKE_SOURCE_DIR}/templates/*.svg" "${CMAKE_SOURCE_DIR}/templates/*.js")
list(SORT templates)
list(TRANSFORM templates PREPEND "${CMAKE_SOURCE_DIR}/templates/" OUTPUT_VARIABLE template_paths)
file(CONFIGURE OUTPUT "${generated}/templates.list" CONTENT "${templates}" @ONLY)	# changes when one comes or goes
configure_file(cmake/embedded.h.in "${generated}/templates/templates/embedded.h" COPYONLY)
add_custom_command(OUTPUT "${generated}/embedded.c"
	COMMAND "${CMAKE_COMMAND}" -DFOLDER=${CMAKE_SOURCE_DIR}/templates -DLIST=${generated}/templates.list
		-DOUTPUT=${generated}/embedded.c -P "${CMAKE_SOURCE_DIR}/cmake/embed.cmake"
	DEPENDS ${template_paths} "${generated}/templates.list" "${CMAKE_SOURCE_DIR}/cmake/embed.cmake"
	COMMENT "Embedding templates/"
	VERBATIM)
add_library(sp_templates STATIC "${generated}/embedded.c")
target_include_directories(sp_templates PUBLIC "${generated}/templates")
