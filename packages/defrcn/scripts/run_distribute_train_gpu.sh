#!/bin/sh
# Old interface: base training on several devices. Arguments: sh run_distribute_train_gpu.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-defrcn run_distribute_train_gpu.sh "$@"
