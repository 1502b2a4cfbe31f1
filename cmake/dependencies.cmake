# SPDX-License-Identifier: Apache-2.0
# Debian 12's packages, found once. Third-party headers stay in .cpp files.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(CURL REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
find_package(RapidJSON CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(date CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)

# Asio and Beast: header-only but compiled once, in daemon/io/asio_src.cpp.
add_library(revertd_asio INTERFACE)
target_link_libraries(revertd_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(revertd_asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)

add_library(revertd_json INTERFACE)
target_include_directories(revertd_json SYSTEM INTERFACE ${RAPIDJSON_INCLUDE_DIRS})
target_compile_definitions(revertd_json INTERFACE RAPIDJSON_HAS_STDSTRING=1)
