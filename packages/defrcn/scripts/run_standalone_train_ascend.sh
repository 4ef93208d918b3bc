#!/bin/sh
# Old interface: base training on one device. Arguments: sh run_standalone_train_ascend.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-defrcn run_standalone_train_ascend.sh "$@"
