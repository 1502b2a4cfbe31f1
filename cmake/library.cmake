# SPDX-License-Identifier: Apache-2.0
# Debian's interpreter, because the modules that the tests use (python3-yaml) belong to it and to no other on PATH.
find_program(REVERTD_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)

# A build that compiles everything once, and then only runs, need not read the same headers for every file: with this,
# files that have no name in common are compiled a dozen at a time, in half the time. Touching one file costs more then.
option(REVERTD_BATCHES "Compile many files as one: for builds from nothing" OFF)
set(REVERTD_FILES_PER_BATCH 12)

# revertd_batch(TARGET): after everything that sets properties of its files.
function(revertd_batch target)
  if(NOT REVERTD_BATCHES)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  execute_process(COMMAND ${REVERTD_PYTHON} -B ${CMAKE_SOURCE_DIR}/cmake/batches.py ${REVERTD_FILES_PER_BATCH} ${sources}
                  OUTPUT_VARIABLE batches COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" batches "${batches}")
  foreach(line ${batches})
    string(REGEX MATCH "^([0-9]+) (.*)$" found "${line}")
    set_source_files_properties(${CMAKE_MATCH_2} PROPERTIES UNITY_GROUP ${target}_${CMAKE_MATCH_1})
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It takes what is included for a header, in which an unnamed namespace would be a mistake.
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
  # A new name in one file may move it to another batch.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${sources} ${CMAKE_SOURCE_DIR}/cmake/batches.py)
endfunction()

# One static library per folder, one test program per mirrored test folder.

# revertd_library(NAME LIBRARIES...): every .cpp of the folder; includes are written from the root ("core/verdict.h").
function(revertd_library name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "main[^/]*\\.cpp$")
  add_library(revertd_${name} STATIC ${sources})
  revertd_batch(revertd_${name})
  target_include_directories(revertd_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(revertd_${name} PUBLIC ${ARGN})
endfunction()

# Where this tree and its build are, for the files that ask: all others compile to the same object wherever the tree
# stands, and the compiler cache finds them again.
function(revertd_tell_places)
  foreach(source ${ARGN})
    file(STRINGS ${source} asks REGEX "REVERTD_(SOURCE|BINARY)_DIR" LIMIT_COUNT 1)
    if(asks)
      set_source_files_properties(${source} PROPERTIES COMPILE_DEFINITIONS
        "REVERTD_SOURCE_DIR=\"${CMAKE_SOURCE_DIR}\";REVERTD_BINARY_DIR=\"${CMAKE_BINARY_DIR}\"")
    endif()
  endforeach()
endfunction()

# revertd_test(NAME LIBRARIES...): every *_test.cpp of the folder, plus helpers beside them.
function(revertd_test name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  add_executable(${name}_test ${sources})
  target_link_libraries(${name}_test PRIVATE ${ARGN} GTest::gtest GTest::gtest_main)
  revertd_tell_places(${sources})
  revertd_batch(${name}_test)
  add_dependencies(checks ${name}_test)
  # A test named DISABLED_ is the other half of one that starts it in a process of its own; it is none by itself.
  gtest_discover_tests(${name}_test TEST_PREFIX "${name}." TEST_FILTER "-*DISABLED_*" DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60)
endfunction()

# revertd_python_test(NAME SCRIPT ARGUMENTS...): a test that says the same in every build, so CI runs it once.
function(revertd_python_test name script)
  add_test(NAME ${name} COMMAND ${REVERTD_PYTHON} -B ${CMAKE_SOURCE_DIR}/${script} ${ARGN} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS once)
endfunction()
