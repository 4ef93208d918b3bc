#!/bin/sh
# Old interface: measure a checkpoint: the 12 COCO numbers. Arguments: sh run_eval_gpu.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssd run_eval_gpu.sh "$@"
