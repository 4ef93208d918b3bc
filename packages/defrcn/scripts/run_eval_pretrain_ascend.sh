#!/bin/sh
# Old interface: measure a base network: COCO numbers, AP of every category. Arguments: sh run_eval_pretrain_ascend.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-defrcn run_eval_pretrain_ascend.sh "$@"
