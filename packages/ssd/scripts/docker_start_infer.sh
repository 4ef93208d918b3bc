#!/bin/sh
# Old interface: start a container for inference on an Ascend host: docker_start_infer.sh IMAGE DIR
# Only what this host has is shown to the container. Written to the documented form; never run on Ascend by us.
set -eu
if [ $# -ne 2 ]; then
    echo "error: docker_start_infer.sh IMAGE DIR" >&2
    exit 2
fi
. "$(dirname "$0")/docker_ascend.sh"
start_container "$1" "$2"
