# SPDX-License-Identifier: Apache-2.0
# Compiler cache, linker, warnings and sanitizers: the same for every target.
find_program(REVERTD_CCACHE ccache)
if(REVERTD_CCACHE)
  # CI clones to a new path each time: relative paths make the cache hit all the same.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${REVERTD_CCACHE})
endif()

find_program(REVERTD_MOLD mold)
if(REVERTD_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum -Wnon-virtual-dtor -Werror)
add_compile_options(-fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside its own <string> and <optional> at -O2 (GCC bugs 105329, 105562).
  add_compile_options(-Wno-restrict -Wno-maybe-uninitialized)
endif()

set(REVERTD_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")
# Programs that read what the network says and run as root: hardened wherever they are optimised and no sanitizer looks.
option(REVERTD_HARDEN "PIE, full RELRO, fortified calls, protected stacks and branches" ON)
if(REVERTD_HARDEN AND NOT REVERTD_SANITIZE)
  add_compile_options(-fPIE -fstack-protector-strong -fstack-clash-protection $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
  add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64")
    add_compile_options(-fcf-protection)
  endif()
endif()

if(REVERTD_SANITIZE)
  add_compile_options(-fsanitize=${REVERTD_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${REVERTD_SANITIZE})
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  if(REVERTD_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # atomic_thread_fence inside Asio
  endif()
  if(REVERTD_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # clang links its runtime statically, and with it an operator new beside the counting one of some tests.
    add_link_options(-Wl,--allow-multiple-definition)
  endif()
  if(REVERTD_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # `function` breaks coroutine code of clang 14; `pointer-overflow` reports inside RapidJSON 1.1.
    add_compile_options(-fno-sanitize=function,pointer-overflow)
  endif()
endif()
