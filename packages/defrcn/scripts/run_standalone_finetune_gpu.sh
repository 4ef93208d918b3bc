#!/bin/sh
# Old interface: fine-tuning on one device. Arguments: sh run_standalone_finetune_gpu.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-defrcn run_standalone_finetune_gpu.sh "$@"
