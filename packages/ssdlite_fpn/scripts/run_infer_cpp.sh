#!/bin/sh
# Old interface: run an exported model with the C++ program and measure it. Arguments: sh run_infer_cpp.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssdlite-fpn run_infer_cpp.sh "$@"
