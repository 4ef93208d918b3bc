#!/bin/sh
# Old interface: start a container on an Ascend host: docker_start.sh IMAGE DATA_DIR MODEL_DIR [PRETRAINED_DIR]
# Without arguments the variables docker_image, data_dir, ssd_code_dir and pretrained_models_dir say the same.
# Only what this host has is shown to the container. Written to the documented form; never run on Ascend by us.
# Plain shell: a host has Docker, but perhaps none of our packages.
set -eu
image="${1:-${docker_image:-}}"
data="${2:-${data_dir:-}}"
model="${3:-${ssd_code_dir:-}}"
pretrained="${4:-${pretrained_models_dir:-}}"
if [ -z "$image" ] || [ -z "$data" ] || [ -z "$model" ] || [ $# -gt 4 ]; then
    echo "error: docker_start.sh IMAGE DATA_DIR MODEL_DIR [PRETRAINED_DIR]" >&2
    exit 2
fi
. "$(dirname "$0")/docker_ascend.sh"
start_container "$image" "$data" "$model" "$pretrained"
