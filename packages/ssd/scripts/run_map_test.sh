#!/bin/sh
# Old interface: the twelve COCO numbers of a result file, as a text file. Arguments: sh run_map_test.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-ssd run_map_test.sh "$@"
