#!/bin/sh
# Old interface: train on several devices. Arguments: sh run_distribute_train_gpu.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssdlite-fpn run_distribute_train_gpu.sh "$@"
