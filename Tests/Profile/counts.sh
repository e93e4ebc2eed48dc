#!/usr/bin/env bash
# counts.sh PROGRAM: how often what is in PROGRAM runs, an apus built to count that (`make profile`), while messages go through it: alone, many at a
# time, few and many receivers, retained ones, of MQTT-SN nodes. Printed as LLVM's text profile, without what runs fewer than a thousand times.
source "$(dirname "$0")/../TestKit/gateway.sh"
least=1000
program=$1
LLVM_PROFILE_FILE="$work/counts.profraw" start_gateway "$program"

load() { LLVM_PROFILE_FILE=/dev/null "$program" bench "$@" -p "$mqtt" >/dev/null; }
for qos in 0 1 2; do
    load latency --rate 0 -q $qos -m 100000
    load pairs -n 50 -w 20 -q $qos -m 400000
    load pairs -n 50 -w 20 -q $qos -m 200000 --size 1024
    load fan-in -n 100 -w 20 -q $qos -m 400000
done
for qos in 0 1; do
    load fan-in -n 100 -w 20 -q $qos -m 200000 --size 1024
    load fan-out -n 1000 -w 20 -q $qos -m 400
done
load retained -n 10000 -w 20
load wildcards -n 10000 -w 20 -m 200000
load connect -m 3000
load mqttsn -n 10 --backlog 0 --publishers 1 --udp-port "$mqttsn" -m 20000
stop_gateway

# Paragraphs, of which each is a function: name, hash, number of counters, counters, and whom it calls by reference. A line that begins with '$', as
# Swift's names do, would be read as how many octets of a bitmap come first; so '$0' is put there.
"$(dirname "$(realpath "$(command -v swiftc)")")/llvm-profdata" merge -sparse -text -o "$work/counts" "$work/counts.profraw"
awk -v least=$least '
    BEGIN { RS = ""; ORS = "\n\n" }
    {
        count = split($0, line, "\n"); most = 0; text = ""; isCounter = 0
        for (i = 1; i <= count; i++) {
            if (line[i] == "# Counter Values:") isCounter = 1
            else if (isCounter && line[i] !~ /^[0-9]+$/) { isCounter = 0; text = text "$0\n" }
            else if (isCounter && line[i] + 0 > most) most = line[i] + 0
            if (line[i] !~ /^#/) text = text line[i] "\n"
        }
        if (isCounter) text = text "$0\n"
        if (NR == 1 || most >= least) print substr(text, 1, length(text) - 1)
    }' "$work/counts"
