#!/bin/sh
# Old interface: measure a fine-tuned network: COCO numbers, AP of every category. Arguments: sh run_eval_finetune_gpu.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-defrcn run_eval_finetune_gpu.sh "$@"
