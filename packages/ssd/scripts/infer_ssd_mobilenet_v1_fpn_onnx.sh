#!/bin/sh
# Old interface: measure an ONNX model of ssd_mobilenet_v1_fpn. Arguments: sh infer_ssd_mobilenet_v1_fpn_onnx.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssd infer_ssd_mobilenet_v1_fpn_onnx.sh "$@"
