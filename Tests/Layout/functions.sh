#!/usr/bin/env bash
# functions.sh PROGRAM: which functions of PROGRAM, a release of apus, a message that goes alone runs through, by the names the linker knows.
# First those of QoS 0, then what QoS 1 and 2 need besides; of each what runs longest first. What takes fewer than three instructions of a
# message is not run by every one.
set -eu
messages=2000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Debian's valgrind cannot read the debugging information of this compiler.
strip --strip-debug -o "$work/gateway" "$1"
valgrind --tool=callgrind --demangle=no --instr-atstart=no --callgrind-out-file="$work/load" \
    "$work/gateway" serve --ready-file "$work/ready" --set "data_dir=$work/data" \
    --set mqtt.tcp.port=0 --set mqttsn.udp.enabled=false --set mqtt.ws.enabled=false --set admin.http.enabled=false \
    --set coap.udp.enabled=false --set lwm2m.enabled=false >"$work/log" 2>&1 &
gateway=$!
trap 'kill $gateway 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 300); do [ -s "$work/ready" ] || sleep 0.1; done
port=$(tr -d ' \n' <"$work/ready" | grep -oE '"port":[0-9]+' | cut -d: -f2)

# Each load once before it counts: what happens once belongs to no message.
load() { "$1" bench latency --rate 0 -q "$2" -p "$port" -m "$messages" >/dev/null; }
control() { callgrind_control "$1" "$gateway" >/dev/null 2>&1; }
for qos in 0 1 2; do
    load "$1" "$qos"
    control --instr=on
    load "$1" "$qos"
    control --instr=off
    control --dump
done
kill "$gateway"
wait "$gateway" 2>/dev/null || true

# Lines as "1,234  ???:name [file]"; of a function that calls itself also "name'2".
for dump in "$work"/load.?; do
    callgrind_annotate --threshold=100 --show-percs=no "$dump" | grep -F "$work/gateway]" |
        sed -nE 's/^ *([0-9,]+) +[^:]*:([^ ]+) .*/\1 \2/p' | tr -d , |
        awk -v least=$((3 * messages)) '$1 >= least { sub(/\x27[0-9]+$/, "", $2); print $2 }'
done | awk '!seen[$0]++'
