# cmake -DSOURCE=... -DVERSION=... -DOUTPUT=... -P version.cmake: writes sallyport_version.h when it would differ.

set(COMMIT "unknown")
find_program(GIT git)
if(GIT AND EXISTS "${SOURCE}/.git")
	# Building as another user than the checkout's owner is no reason not to know the commit.
	execute_process(COMMAND "${GIT}" -c safe.directory=* rev-parse --short=12 --verify HEAD
		WORKING_DIRECTORY "${SOURCE}" OUTPUT_VARIABLE answer ERROR_QUIET RESULT_VARIABLE status
		OUTPUT_STRIP_TRAILING_WHITESPACE)
	if(status EQUAL 0)
		set(COMMIT "${answer}")
	endif()
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" @ONLY CONTENT [[
#ifndef SALLYPORT_VERSION_H
#define SALLYPORT_VERSION_H
#define SALLYPORT_VERSION "@VERSION@"
#define SALLYPORT_COMMIT "@COMMIT@"
#endif
]])
