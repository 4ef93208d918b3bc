#!/bin/sh
# Old interface: write a trained network for use outside Python. Arguments: sh run_export.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssd run_export.sh "$@"
