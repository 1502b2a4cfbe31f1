# SPDX-License-Identifier: Apache-2.0
# The Debian package: `cmake --build build/release --target deb` writes build/release/revertd_VERSION-1_ARCH.deb.
# What goes where is said by the install() rules beside each thing; here stand the documents and the control data.
set(doc_dir ${CMAKE_INSTALL_DATADIR}/doc/revertd)
set(package_dir ${CMAKE_BINARY_DIR}/package)
find_program(REVERTD_GZIP gzip REQUIRED)

# compressed(SOURCE NAME): as policy wants it, the same bytes each time.
function(compressed source name)
  set(output ${package_dir}/${name}.gz)
  add_custom_command(OUTPUT ${output} DEPENDS ${source} VERBATIM
    COMMAND ${CMAKE_COMMAND} -E make_directory ${package_dir}
    COMMAND sh -c "exec \"$1\" -9nc \"$2\" >\"$3\"" sh ${REVERTD_GZIP} ${source} ${output})
  set(REVERTD_COMPRESSED ${REVERTD_COMPRESSED} ${output} PARENT_SCOPE)
  install(FILES ${output} DESTINATION ${doc_dir})
endfunction()

configure_file(packaging/debian/changelog ${package_dir}/changelog.Debian @ONLY)
compressed(${package_dir}/changelog.Debian changelog.Debian)
compressed(${CMAKE_SOURCE_DIR}/CHANGELOG.md changelog)
# For editors, by the program that reads the file.
set(schema ${package_dir}/revertd.schema.json)
add_custom_command(OUTPUT ${schema} DEPENDS revertctl VERBATIM
  COMMAND sh -c "exec \"$1\" config schema >\"$2\"" sh $<TARGET_FILE:revertctl> ${schema})
install(FILES ${schema} DESTINATION ${CMAKE_INSTALL_DATADIR}/revertd)
add_custom_target(package_documents ALL DEPENDS ${REVERTD_COMPRESSED} ${schema})
install(FILES packaging/debian/copyright README.md DESTINATION ${doc_dir})
file(GLOB documents CONFIGURE_DEPENDS docs/*.md)
install(FILES ${documents} DESTINATION ${doc_dir}/docs)
install(DIRECTORY docs/ci DESTINATION ${doc_dir}/docs USE_SOURCE_PERMISSIONS)
install(DIRECTORY packaging/prometheus packaging/grafana DESTINATION ${CMAKE_INSTALL_DATADIR}/revertd)
install(DIRECTORY config/examples/ DESTINATION ${doc_dir}/examples)
install(FILES packaging/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME revertd)
install(DIRECTORY systemd/examples/ DESTINATION ${doc_dir}/examples/systemd)

set(CPACK_GENERATOR DEB)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_PACKAGE_NAME revertd)
set(CPACK_PACKAGE_VENDOR revertd)
set(CPACK_PACKAGE_CONTACT "the revertd authors <maintainers@revertd.example.org>")
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR})
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
# With DESTDIR the units are written for the prefix that the package has on the machine, not for the staging tree.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/packaging/debian/compress.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_HOMEPAGE "")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# libcurl is loaded when it is needed, which no tool sees (daemon/io/curl_library.cpp).
# The user and the directories are made by systemd's tools, of systemd or, in a container, standing alone.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libcurl4 (>= 7.88), tzdata, systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/debian/postinst
  ${CMAKE_SOURCE_DIR}/packaging/debian/prerm ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "guards every deploy for its bake period and undoes a bad one")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION [[revertd learns of a deploy, watches the service through its health endpoint
and its metrics, judges it against rules that read like sentences, and puts
the last good version back: at once where the severity says so, after an
approval where it asks for one, never twice, never on missing data, never to
a version known to be bad. It verifies that the rollback helped, pages the
on-call engineer and writes the report.

This package contains the daemon, the runner that executes its steps, and
the command line revertctl.]])
# Only what the package contains is built for it, not the tests.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
include(CPack)
add_custom_target(deb VERBATIM
  COMMAND ${CMAKE_CPACK_COMMAND} -G DEB --config ${CMAKE_BINARY_DIR}/CPackConfig.cmake
  DEPENDS revertd revertctl revertd-runner docs package_documents
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR})
