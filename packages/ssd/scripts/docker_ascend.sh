# Read by docker_start.sh and docker_start_infer.sh: a container that sees this host's Ascend devices.
# ASCEND_ROOT is for tests: the folder that /dev, /usr and /var are looked for in.

# start_container IMAGE FOLDER...: run a shell in the image with the devices, the driver, its logs and the folders.
start_container() {
    root="${ASCEND_ROOT:-}"
    image="$1"
    shift
    count=$#
    while [ "$count" -gt 0 ]; do
        folder="$1"
        shift
        count=$((count - 1))
        [ -n "$folder" ] || continue
        if [ ! -d "$folder" ]; then
            echo "error: $folder: no such folder." >&2
            exit 2
        fi
        folder="$(cd "$folder" && pwd)"
        set -- "$@" -v "$folder:$folder"
    done
    devices=0
    for device in davinci0 davinci1 davinci2 davinci3 davinci4 davinci5 davinci6 davinci7 \
        davinci_manager devmm_svm hisi_hdc; do
        if [ -e "$root/dev/$device" ]; then
            set -- "$@" --device="/dev/$device"
            devices=$((devices + 1))
        fi
    done
    if [ "$devices" -eq 0 ]; then
        echo "note: this host has no Ascend devices; the container can only use the CPU." >&2
    fi
    for place in /usr/local/Ascend/driver /usr/local/Ascend/add-ons /var/log/npu/conf/slog/slog.conf \
        /var/log/npu/slog /var/log/npu/profiling /var/log/npu/dump; do
        if [ -e "$root$place" ]; then
            set -- "$@" -v "$place:$place"
        fi
    done
    if [ -d "$root/var/log/npu" ]; then
        set -- "$@" -v /var/log/npu:/usr/slog
    fi
    exec docker run -it --ipc=host "$@" "$image" /bin/bash
}
