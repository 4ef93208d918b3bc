#!/bin/sh
# Old interface: train on one device. Arguments: sh run_standalone_train.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-segformer run_standalone_train.sh "$@"
