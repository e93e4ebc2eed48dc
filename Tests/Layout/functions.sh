#!/usr/bin/env bash
# functions.sh PROGRAM: which functions of PROGRAM, a release of apus, a message that goes alone runs through, by the names the linker knows.
# First those of QoS 0, then what QoS 1 and 2 and a message of an MQTT-SN node need besides; of each what runs longest first. What takes fewer
# than three instructions of a message is not run by every one.
set -euo pipefail
messages=10000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Debian's valgrind cannot read the debugging information of this compiler.
strip --strip-debug -o "$work/gateway" "$1"
valgrind --tool=callgrind --demangle=no --instr-atstart=no --callgrind-out-file="$work/load" \
    "$work/gateway" serve --ready-file "$work/ready" --set "data_dir=$work/data" --set mqttsn.strangers_per_second=0 \
    --set mqtt.tcp.port=0 --set mqttsn.udp.port=0 --set mqtt.ws.enabled=false --set admin.http.enabled=false \
    --set coap.udp.enabled=false --set lwm2m.enabled=false >"$work/log" 2>&1 &
gateway=$!
trap 'kill $gateway 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 300); do [ -s "$work/ready" ] || sleep 0.1; done
port() { grep -oE "\{[^{}]*\"$1\"[^{}]*" "$work/ready" | grep -oE '"port":[0-9]+' | cut -d: -f2; }
mqtt=$(port mqtt.tcp)
mqttsn=$(port mqttsn.udp)

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
program=$1
for qos in 0 1 2; do measure latency --rate 0 -q "$qos"; done
measure mqttsn -n 1 --backlog 0 --publishers 1 --udp-port "$mqttsn"
kill "$gateway"
wait "$gateway" 2>/dev/null || true

# Lines as "1,234  ???:name [file]"; of a function that calls itself also "name'2".
for dump in "$work"/load.?; do
    callgrind_annotate --threshold=100 --show-percs=no "$dump" | grep -F "$work/gateway]" |
        sed -nE 's/^ *([0-9,]+) +[^:]*:([^ ]+) .*/\1 \2/p' | tr -d , |
        awk -v least=$((3 * messages)) '$1 >= least { sub(/\x27[0-9]+$/, "", $2); print $2 }'
done | awk '!seen[$0]++'
