#!/bin/sh
# Old interface: pictures of what a checkpoint sees. Arguments: sh run_infer.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-segformer run_infer.sh "$@"
