#!/bin/sh
# Old interface: train on several devices. Arguments: sh run_distribute_train.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-segformer run_distribute_train.sh "$@"
