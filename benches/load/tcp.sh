#!/bin/bash
# The TCP proxy of `svckit up` beside HAProxy, both in front of the same two nginx servers on this machine.
#
#   benches/load/tcp.sh target/release/svckit
#
# Needs nginx, haproxy, wrk and curl. Prints one line per measurement; rounds take turns, medians of three.
set -eu
svckit=$1
work=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
ulimit -n "$(ulimit -Hn)"

mkdir "$work/www" "$work/cluster"
echo hello > "$work/www/index.html"
truncate -s 2G "$work/www/large"
for port in 18081 18082; do
    cat > "$work/nginx-$port.conf" <<CONF
daemon off; worker_processes 1; pid $work/nginx-$port.pid; error_log stderr crit;
events { worker_connections 20000; }
http { access_log off; sendfile on; keepalive_requests 1000000000;
server { listen 127.0.0.1:$port backlog=4096; root $work/www; } }
CONF
    nginx -c "$work/nginx-$port.conf" & pids+=($!)
done

cat > "$work/haproxy.cfg" <<CONF
global
    nbthread 2
    maxconn 25000
defaults
    mode tcp
    timeout connect 3s
    timeout client 1h
    timeout server 1h
listen web
    bind 127.0.0.1:18090 backlog 4096
    balance roundrobin
    option splice-auto
    server a 127.0.0.1:18081
    server b 127.0.0.1:18082
CONF
haproxy -db -f "$work/haproxy.cfg" & haproxy=$!; pids+=($haproxy)

cat > "$work/cluster/web.yaml" <<YAML
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  clusterIP: 127.96.0.90
  ports: [{port: 18090}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: "", port: 18081, protocol: TCP}]
endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-2, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: "", port: 18082, protocol: TCP}]
endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}]
YAML
"$svckit" up -f "$work/cluster" --state "$work/state" > "$work/up.log" 2>&1 & up=$!; pids+=($up)
sleep 3

declare -A at=([direct]=127.0.0.1:18081 [haproxy]=127.0.0.1:18090 [svckit]=127.96.0.90:18090)
for who in direct haproxy svckit; do
    curl -sf "http://${at[$who]}/" > /dev/null || { echo "$who does not answer"; cat "$work/up.log"; exit 1; }
done

rate() { awk '/Requests\/sec/ {print $2}'; }
keep() { wrk -t1 -c64 -d3s "http://${at[$1]}/" | rate; }
close() { wrk -t1 -c64 -d3s -H 'Connection: close' "http://${at[$1]}/" | rate; }
bulk() { curl -s -o /dev/null -w '%{speed_download}\n' "http://${at[$1]}/large" | awk '{print $1 / 1e6}'; }
middle() { sort -n | sed -n 2p; }
for what in keep close bulk; do
    for who in direct haproxy svckit; do : > "$work/$what-$who"; done
    for _ in 1 2 3; do
        for who in direct haproxy svckit; do "$what" "$who" >> "$work/$what-$who"; done
    done
    for who in direct haproxy svckit; do echo "$what $who $(middle < "$work/$what-$who")"; done
done

# Connections that say nothing: what 10,000 of them add to a process.
resident() { awk '/VmRSS/ {print $2}' "/proc/$1/status"; }
idle() {
    local before fd
    before=$(resident "$2")
    # The connections are those of a subshell, and end with it.
    (
        for _ in $(seq 10000); do exec {fd}<>"/dev/tcp/${at[$1]/://}"; done
        sleep 2
        echo "idle $1 $(($(resident "$2") - before)) KiB more for 10000 connections, $before before"
    )
}
idle haproxy "$haproxy"
idle svckit "$up"
