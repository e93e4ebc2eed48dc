#!/usr/bin/env bash
# functions.sh PROGRAM: which functions of PROGRAM, a release of apus, a message that goes alone runs through, by the names the linker knows.
# First those of QoS 0, then what QoS 1 and 2 and a message of an MQTT-SN node need besides; of each what runs longest first. What takes fewer
# than three instructions of a message is not run by every one.
source "$(dirname "$0")/../TestKit/gateway.sh"
messages=10000
program=$1

# Debian's valgrind cannot read the debugging information of this compiler.
strip --strip-debug -o "$work/gateway" "$program"
start_gateway valgrind --tool=callgrind --demangle=no --instr-atstart=no --callgrind-out-file="$work/load" "$work/gateway"

# Each load once before it counts: what happens once belongs to no message.
load() { "$program" bench "$@" -p "$mqtt" -m "$messages" >/dev/null; }
control() { callgrind_control "$1" "$gateway" >/dev/null 2>&1; }
measure() {
    load "$@"
    control --instr=on
    load "$@"
    control --instr=off
    control --dump
}
for qos in 0 1 2; do measure latency --rate 0 -q "$qos"; done
measure mqttsn -n 1 --backlog 0 --publishers 1 --udp-port "$mqttsn"
stop_gateway

# Lines as "1,234  ???:name [file]"; of a function that calls itself also "name'2".
for dump in "$work"/load.?; do
    callgrind_annotate --threshold=100 --show-percs=no "$dump" | grep -F "$work/gateway]" |
        sed -nE 's/^ *([0-9,]+) +[^:]*:([^ ]+) .*/\1 \2/p' | tr -d , |
        awk -v least=$((3 * messages)) '$1 >= least { sub(/\x27[0-9]+$/, "", $2); print $2 }'
done | awk '!seen[$0]++'
