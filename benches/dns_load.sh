#!/bin/sh
# CPU time per query of DNS servers on loopback, all in one run: svckit, a UDP echo server, Knot and NSD with the same
# names. Each server is pinned to core 0 and asked by dnsperf on core 1; five rounds, one server after the other.
# Needs dnsperf, knot, nsd, and: cargo build --release -p svckit-benches --example dns_serve
set -eu
cd "$(dirname "$0")/.."
serve=$PWD/target/release/examples/dns_serve
names=10000
rounds=${1:-5}
work=$(mktemp -d)
pids=
trap 'kill $pids 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT INT TERM

awk -v n=$names 'BEGIN { srand(1); for (i = 0; i < 50000; i++) { k = int(rand() * n); print "s" k ".n" k % 50 ".svc.cluster.local A" } }' > "$work/queries"
{
    echo 'cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5'
    echo 'cluster.local. 5 IN NS ns.dns.cluster.local.'
    echo 'ns.dns.cluster.local. 5 IN A 127.0.0.1'
    awk -v n=$names 'BEGIN { for (k = 0; k < n; k++) print "s" k ".n" k % 50 ".svc.cluster.local. 5 IN A 10.96." int(k / 256) "." k % 256 }'
} > "$work/zone"
cat > "$work/knot.conf" <<K
server:
    listen: 127.0.0.1@5303
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    rundir: $work
database:
    storage: $work/knot
zone:
  - domain: cluster.local
    file: $work/zone
    zonefile-sync: -1
K
cat > "$work/nsd.conf" <<K
server:
    server-count: 1
    ip-address: 127.0.0.1@5304
    username: ""
    zonesdir: "$work"
    database: ""
    pidfile: "$work/nsd.pid"
    xfrdfile: "$work/xfrd.state"
    zonelistfile: "$work/zone.list"
    logfile: "$work/nsd.log"
remote-control:
    control-enable: no
zone:
    name: cluster.local
    zonefile: $work/zone
K
taskset -c 0 "$serve" echo 127.0.0.1:5301 > /dev/null & echo_pid=$!
taskset -c 0 "$serve" $names 127.0.0.1:5302 > /dev/null & svckit_pid=$!
taskset -c 0 /usr/sbin/knotd -c "$work/knot.conf" > "$work/knot.log" 2>&1 & knot_pid=$!
taskset -c 0 /usr/sbin/nsd -d -c "$work/nsd.conf" > "$work/nsd.out" 2>&1 & nsd_pid=$!
pids="$echo_pid $svckit_pid $knot_pid $nsd_pid"
sleep 3
# A process with all its descendants: nsd's servers are its grandchildren.
tree() { echo "$1"; for child in $(pgrep -P "$1" || true); do tree "$child"; done; }
# Their CPU time with all threads, in nanoseconds (schedstat).
cpu() { for p in $(tree "$1"); do cat /proc/"$p"/task/*/schedstat; done | awk '{ sum += $1 } END { printf "%.0f\n", sum }'; }
for round in $(seq "$rounds"); do
    for server in echo:5301:$echo_pid svckit:5302:$svckit_pid knot:5303:$knot_pid nsd:5304:$nsd_pid; do
        name=${server%%:*}; pid=${server##*:}; port=${server#*:}; port=${port%%:*}
        before=$(cpu "$pid")
        taskset -c 1 dnsperf -s 127.0.0.1 -p "$port" -d "$work/queries" -c1 -T1 -q100 -l2 -v > "$work/perf" 2>/dev/null
        after=$(cpu "$pid")
        done_=$(awk '/Queries completed/ { print $3 }' "$work/perf")
        awk '$1 == ">" { print $NF * 1e6 }' "$work/perf" | sort -n > "$work/lat"
        total=$(wc -l < "$work/lat")
        p50=$(sed -n "$((total / 2 + 1))p" "$work/lat"); p99=$(sed -n "$((total * 99 / 100 + 1))p" "$work/lat")
        awk -v n="$name" -v r="$round" -v c=$((after - before)) -v d="$done_" -v a="$p50" -v b="$p99" \
            'BEGIN { printf "%s %d %.0f ns/query %d queries p50 %s us p99 %s us\n", n, r, c / d, d, a, b }'
    done
done
