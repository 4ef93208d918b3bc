#!/bin/sh
# Old interface: say which data set is needed and check that it is complete. Arguments: sh run_download_dataset.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssd run_download_dataset.sh "$@"
