# The runtime `acl`: AscendCL and DVPP of the CANN toolkit. Sources, headers and libraries for ms310.
#
# Headers: ACL_INCLUDE_DIR (the folder that holds acl/acl.h), else those of the toolkit that ASCEND_HOME_PATH or
# ASCEND_TOOLKIT_HOME names (CANN's set_env.sh sets them). Libraries: ACL_LIBRARY, else the toolkit's. With
# MS310_TESTS a fake of the library is linked instead, on every machine.
set(ASCEND_HOMES $ENV{ASCEND_HOME_PATH} $ENV{ASCEND_TOOLKIT_HOME})

find_path(ACL_FOUND_INCLUDE_DIR acl/acl.h HINTS ${ACL_INCLUDE_DIR} ${ASCEND_HOMES} PATH_SUFFIXES include NO_DEFAULT_PATH)
if(NOT ACL_FOUND_INCLUDE_DIR)
  message(FATAL_ERROR "acl: no acl/acl.h. Source the CANN toolkit's set_env.sh, or give -DACL_INCLUDE_DIR=FOLDER.")
endif()

file(GLOB ASCEND_SOURCES CONFIGURE_DEPENDS runtimes/ascend/*.cc)
target_sources(ms310 PRIVATE ${ASCEND_SOURCES})
target_include_directories(ms310 PRIVATE src)  # decode.h: the orientation of a JPEG
target_include_directories(ms310 SYSTEM PRIVATE ${ACL_FOUND_INCLUDE_DIR})
# CANN's acl_dvpp.h wants to be asked for.
set_source_files_properties(runtimes/acl.cc ${ASCEND_SOURCES} PROPERTIES COMPILE_DEFINITIONS ENABLE_DVPP_INTERFACE)

if(MS310_TESTS)
  file(GLOB FAKE_ACL_SOURCES CONFIGURE_DEPENDS tests/fake_acl*.cc)
  add_library(ms310_fake_acl STATIC ${FAKE_ACL_SOURCES})
  target_compile_definitions(ms310_fake_acl PRIVATE ENABLE_DVPP_INTERFACE)
  target_include_directories(ms310_fake_acl PUBLIC tests runtimes)
  target_include_directories(ms310_fake_acl SYSTEM PUBLIC ${ACL_FOUND_INCLUDE_DIR})
  target_link_libraries(ms310_fake_acl PRIVATE ms310)  # either needs the other
  target_link_libraries(ms310 PUBLIC ms310_fake_acl)
elseif(ACL_LIBRARY)
  target_link_libraries(ms310 PRIVATE ${ACL_LIBRARY})
else()
  find_library(ASCENDCL_LIBRARY ascendcl HINTS ${ASCEND_HOMES} PATH_SUFFIXES lib64 NO_DEFAULT_PATH)
  find_library(ACL_DVPP_LIBRARY acl_dvpp HINTS ${ASCEND_HOMES} PATH_SUFFIXES lib64 NO_DEFAULT_PATH)
  if(NOT ASCENDCL_LIBRARY OR NOT ACL_DVPP_LIBRARY)
    message(FATAL_ERROR "acl: no libascendcl.so or libacl_dvpp.so. Source the CANN toolkit's set_env.sh, or give "
                        "-DACL_LIBRARY='FILE;FILE'.")
  endif()
  target_link_libraries(ms310 PRIVATE ${ASCENDCL_LIBRARY} ${ACL_DVPP_LIBRARY})
endif()
