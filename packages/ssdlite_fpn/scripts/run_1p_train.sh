#!/bin/sh
# Old interface: train on one device. Arguments: sh run_1p_train.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssdlite-fpn run_1p_train.sh "$@"
