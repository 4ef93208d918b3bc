#!/bin/sh
# Old interface: fine-tuning on several devices. Arguments: sh run_distribute_finetune_ascend.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-defrcn run_distribute_finetune_ascend.sh "$@"
