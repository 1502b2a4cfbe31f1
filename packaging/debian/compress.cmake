# SPDX-License-Identifier: Apache-2.0
# Run by CPack between installing and packing: policy wants manual pages compressed, `cmake --install` leaves them readable.
file(GLOB_RECURSE pages "${CPACK_TEMPORARY_DIRECTORY}/usr/share/man/*.[1-8]")
foreach(page IN LISTS pages)
  execute_process(COMMAND gzip -9nf ${page} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
