# The runtime `mslite`: MindSpore Lite. Its headers and libraries for ms310.
#
# MSLITE_DIR, else LITE_HOME of the environment, is the folder `mindspore_lite` of the unpacked wheel, or that of a
# package of MindSpore Lite, which has the same below `runtime`.
set(MSLITE_HOMES ${MSLITE_DIR})
if(NOT MSLITE_DIR)
  set(MSLITE_HOMES $ENV{LITE_HOME})
endif()

find_path(MSLITE_INCLUDE_DIR include/api/model.h HINTS ${MSLITE_HOMES} PATH_SUFFIXES runtime NO_DEFAULT_PATH)
find_library(MSLITE_LIBRARY NAMES mindspore-lite mindspore-extendrt_python
  HINTS ${MSLITE_HOMES} PATH_SUFFIXES lib runtime/lib NO_DEFAULT_PATH)
if(NOT MSLITE_INCLUDE_DIR OR NOT MSLITE_LIBRARY)
  message(FATAL_ERROR "mslite: no MindSpore Lite with headers in '${MSLITE_HOMES}'. Give -DMSLITE_DIR=FOLDER.")
endif()
get_filename_component(MSLITE_LIBRARY_DIR ${MSLITE_LIBRARY} DIRECTORY)
# The wheel keeps Status in a library of its own; the packages have no such library.
find_library(MSLITE_CORE_LIBRARY mindspore_core HINTS ${MSLITE_LIBRARY_DIR} NO_DEFAULT_PATH)
set(MSLITE_LIBRARIES ${MSLITE_LIBRARY})
if(MSLITE_CORE_LIBRARY)
  list(APPEND MSLITE_LIBRARIES ${MSLITE_CORE_LIBRARY})
endif()
# Libraries of others that it needs: beside it in the wheel, below third_party in the packages.
file(GLOB MSLITE_OTHERS ${MSLITE_LIBRARY_DIR}/../third_party/*/lib*.so*)
set(MSLITE_PATHS ${MSLITE_LIBRARY_DIR})
foreach(OTHER IN LISTS MSLITE_OTHERS)
  get_filename_component(OTHER_DIR ${OTHER} DIRECTORY)
  list(APPEND MSLITE_PATHS ${OTHER_DIR})
endforeach()
list(REMOVE_DUPLICATES MSLITE_PATHS)
list(JOIN MSLITE_PATHS ":" MSLITE_PATHS)

target_include_directories(ms310 SYSTEM PRIVATE ${MSLITE_INCLUDE_DIR})
# Linked after OpenCV: the wheel brings OpenCV 4.5 of its own, and pictures are to be resized by Debian's.
target_link_libraries(ms310 PRIVATE ${MSLITE_LIBRARIES})
# An RPATH, not a RUNPATH: only that is searched for the libraries that MindSpore Lite itself needs.
target_link_options(ms310 INTERFACE
  "-Wl,-rpath-link,${MSLITE_PATHS}" "-Wl,--disable-new-dtags" "-Wl,-rpath,${MSLITE_PATHS}")
