# sp_folder(FOLDER LIBRARY LINKS...): the static library of one folder, made of the folder's own .c files (not those
# below it). A folder without any yet is an interface library, so that whatever stands on it still configures.
function(sp_folder folder library)
	file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${folder}/*.c")
	get_property(taken GLOBAL PROPERTY SALLYPORT_FILES)
	if(taken)
		list(REMOVE_ITEM sources ${taken})
	endif()
	if(sources)
		set(kind PUBLIC)
		add_library(${library} STATIC ${sources})
	else()
		set(kind INTERFACE)
		add_library(${library} INTERFACE)
	endif()
	target_include_directories(${library} ${kind} "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/src")
	target_link_libraries(${library} ${kind} ${ARGN})
	set_property(GLOBAL PROPERTY "SALLYPORT_LIBRARY_${folder}" "${library}")
endfunction()

# sp_file(FILE LIBRARY LINKS...): a library of one file that stands below the folders beside it, and which its own
# folder, named later, then leaves out.
function(sp_file file library)
	add_library(${library} STATIC "${CMAKE_SOURCE_DIR}/${file}")
	target_include_directories(${library} PUBLIC "${CMAKE_SOURCE_DIR}" "${CMAKE_SOURCE_DIR}/src")
	target_link_libraries(${library} PUBLIC ${ARGN})
	set_property(GLOBAL APPEND PROPERTY SALLYPORT_FILES "${CMAKE_SOURCE_DIR}/${file}")
endfunction()

# sp_library_of(RESULT PATH): the library of the folder that PATH, of a test or of a fuzzer, belongs to. PATH may leave
# out src/; a folder below a known one belongs to that one.
function(sp_library_of result path)
	while(path)
		foreach(folder IN ITEMS "${path}" "src/${path}")
			get_property(library GLOBAL PROPERTY "SALLYPORT_LIBRARY_${folder}")
			if(library)
				set(${result} "${library}" PARENT_SCOPE)
				return()
			endif()
		endforeach()
		cmake_path(GET path PARENT_PATH path)
	endwhile()
	set(${result} sp_gate PARENT_SCOPE)	# of no folder: everything
endfunction()
