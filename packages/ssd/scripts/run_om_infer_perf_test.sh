#!/bin/sh
# Old interface: COCO results and time a picture by a pipeline of the MindX SDK. Arguments: sh run_om_infer_perf_test.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssd run_om_infer_perf_test.sh "$@"
