#!/bin/sh
# Old interface: measure a checkpoint: IoU of every class, mIoU. Arguments: sh run_eval.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-segformer run_eval.sh "$@"
