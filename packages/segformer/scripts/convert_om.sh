#!/bin/sh
# Old interface: convert an exported model to .om with Huawei's ATC. Arguments: sh convert_om.sh --help
exec "${PYTHON:-python}" -m ms_core.old_zoo run ms-segformer convert_om.sh "$@"
