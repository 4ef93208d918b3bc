#!/bin/sh
# Old interface: measure an ONNX model. Arguments: sh run_eval_onnx.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssd run_eval_onnx.sh "$@"
