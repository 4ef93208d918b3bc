#!/bin/sh
# Old interface: measure a checkpoint: the 12 COCO numbers. Arguments: sh run_eval_gpu.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssdlite-fpn run_eval_gpu.sh "$@"
