#!/bin/sh
# Old interface: train on one device. Arguments: sh run_standalone_train_gpu.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssdlite-fpn run_standalone_train_gpu.sh "$@"
