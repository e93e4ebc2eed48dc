# Sourced by scripts that measure: a gateway for MQTT and MQTT-SN alone, on ports of its own, and a folder for what it leaves.
#
#     start_gateway COMMAND…      the program, and what it is to be run by; then $mqtt and $mqttsn are its ports, $gateway its process
#     stop_gateway
#     $work                       gone at the end, with the gateway
set -euo pipefail
work=$(mktemp -d)
gateway=
trap '[ -z "$gateway" ] || kill "$gateway" 2>/dev/null || true; rm -rf "$work"' EXIT

start_gateway() {
    "$@" serve --ready-file "$work/ready" --set "data_dir=$work/data" --set mqttsn.strangers_per_second=0 \
        --set mqtt.tcp.port=0 --set mqttsn.udp.port=0 --set mqtt.ws.enabled=false --set admin.http.enabled=false \
        --set coap.udp.enabled=false --set lwm2m.enabled=false >"$work/log" 2>&1 &
    gateway=$!
    for _ in $(seq 300); do [ -s "$work/ready" ] || sleep 0.1; done
    mqtt=$(port_of mqtt.tcp)
    mqttsn=$(port_of mqttsn.udp)
}

port_of() { grep -oE "\{[^{}]*\"$1\"[^{}]*" "$work/ready" | grep -oE '"port":[0-9]+' | cut -d: -f2; }

stop_gateway() {
    kill "$gateway"
    wait "$gateway" 2>/dev/null || true
    gateway=
}
