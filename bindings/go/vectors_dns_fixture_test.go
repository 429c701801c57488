package svckit

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// dnsOptions are options in the vectors' words as the library has them.
func dnsOptions(t *testing.T, fixture, options value, mode string) object {
	words := map[string]string{
		"zones": "zones", "multicluster_zones": "multiclusterZones", "external_zones": "externalZones",
		"fallthrough": "fallthrough", "namespaces": "namespaces", "server_addresses": "serverAddresses", "ttl": "ttl",
		"negative_ttl": "negativeTTL", "udp_ceiling": "udpCeiling", "pods": "pods",
		"ignore_empty_service": "ignoreEmptyService", "endpoint_pod_names": "endpointPodNames", "zonal": "zonal",
		"headless": "externalHeadless", "apex_label": "apexLabel", "autopath": "autopath",
	}
	settings := object{"mode": mode}
	if own := append(fixture.get("server_addresses").texts(), fixture.get("nameserver_addresses").texts()...); own != nil {
		settings["serverAddresses"] = own
	}
	for key, given := range options.fields() {
		if key == "synced" {
			continue
		}
		word, ok := words[key]
		if !ok {
			t.Fatalf("unknown option %q", key)
		}
		settings[word] = given.any
	}
	return settings
}

// namespaces that exist: those of objects, and those that questions may mean, less those said to be missing.
func namespaces(fixture value, names []string) []string {
	var all []string
	for _, kind := range []string{"services", "service_imports", "endpoint_slices", "pods"} {
		for _, each := range fixture.get(kind).list() {
			all = append(all, each.text("namespace"))
		}
	}
	if fixture.has("namespaces") {
		for _, name := range names {
			all = append(all, strings.Split(name, ".")...)
		}
	}
	missing := fixture.get("namespaces").get("missing").texts()
	for i := range all {
		all[i] = strings.ToLower(all[i])
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return name == "" || slices.Contains(missing, name) })
}

func metadata(given value, name string) object {
	return object{"name": given.text(name), "namespace": given.text("namespace")}
}

func dnsPorts(given value) []object {
	ports := []object{}
	for _, port := range given.get("ports").list() {
		protocol := port.text("protocol")
		if protocol == "" {
			protocol = "TCP"
		}
		ports = append(ports, object{"name": port.text("name"), "protocol": protocol, "port": port.int("port")})
	}
	return ports
}

func dnsService(given value) object {
	var external []string
	var hostnames []object
	for _, each := range given.get("external_ips").texts() {
		if _, err := netip.ParseAddr(each); err == nil {
			external = append(external, each)
		} else {
			hostnames = append(hostnames, object{"hostname": each})
		}
	}
	spec := object{"ports": dnsPorts(given), "externalIPs": external}
	ips := given.get("cluster_ips").texts()
	switch {
	case given.text("type") == "ExternalName":
		spec["type"], spec["externalName"] = "ExternalName", given.text("external_name")
	case len(ips) > 0 && ips[0] == "None":
		spec["clusterIP"], spec["clusterIPs"], spec["ipFamilies"] = "None", []string{"None"}, []string{"IPv4", "IPv6"}
	case len(ips) > 0:
		spec["type"], spec["clusterIP"], spec["clusterIPs"] = "LoadBalancer", ips[0], ips
	}
	return object{
		"apiVersion": "v1", "kind": "Service", "metadata": metadata(given, "name"), "spec": spec,
		"status": object{"loadBalancer": object{"ingress": hostnames}},
	}
}

// dnsSlices are a slice of a fixture, one for each family.
func dnsSlices(given value) []object {
	var all []object
	for _, family := range []string{"IPv4", "IPv6"} {
		endpoints := []object{}
		for _, e := range given.get("endpoints").list() {
			if netip.MustParseAddr(e.text("ip")).Is4() == (family == "IPv4") {
				endpoints = append(endpoints, dnsEndpoint(e))
			}
		}
		labels := object{"kubernetes.io/service-name": given.text("service")}
		if cluster := given.text("source_cluster"); cluster != "" {
			labels = object{
				"multicluster.kubernetes.io/service-name": given.text("service"), "multicluster.kubernetes.io/source-cluster": cluster,
			}
		}
		meta := metadata(given, "slice")
		meta["name"], meta["labels"] = given.text("slice")+"-"+strings.ToLower(family), labels
		all = append(all, object{
			"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family, "metadata": meta,
			"ports": dnsPorts(given), "endpoints": endpoints,
		})
	}
	return all
}

func dnsEndpoint(e value) object {
	is := func(key string, other bool) bool {
		if e.has(key) {
			return e.is(key)
		}
		return other
	}
	ready := is("ready", true)
	endpoint := object{
		"addresses":  []string{e.text("ip")},
		"conditions": object{"ready": ready, "serving": is("serving", ready), "terminating": is("terminating", false)},
	}
	for word, key := range map[string]string{"hostname": "hostname", "nodeName": "node", "zone": "zone"} {
		if text := e.text(key); text != "" {
			endpoint[word] = text
		}
	}
	if pod := e.text("pod_name"); pod != "" {
		endpoint["targetRef"] = object{"kind": "Pod", "name": pod}
	}
	return endpoint
}

func dnsPod(given value) object {
	ips := given.get("ips").texts()
	if ip := given.text("ip"); ip != "" {
		ips = append([]string{ip}, ips...)
	}
	var listed []object
	for _, ip := range ips {
		listed = append(listed, object{"ip": ip})
	}
	status := object{"phase": "Running", "podIPs": listed}
	if len(ips) > 0 {
		status["podIP"] = ips[0]
	}
	return object{"apiVersion": "v1", "kind": "Pod", "metadata": metadata(given, "name"), "status": status}
}

// upstream is somebody else's reply as a case states it.
func upstream(t *testing.T, given value, target string, qtype uint16) string {
	t.Helper()
	wire := asks(1, target, qtype)
	wire[2], wire[3] = 0x81, 0x80
	if given.is("truncated") {
		wire[2] = 0x83
	}
	if rcode := given.text("rcode"); rcode != "" {
		wire[3] |= byte(slices.Index(rcodes, rcode))
	}
	for _, each := range given.get("answer").list() {
		wire[7]++
		rtype, _ := typeOf(each.text("type"))
		var data []byte
		switch each.text("type") {
		case "A", "AAAA":
			data = netip.MustParseAddr(each.text("data")).AsSlice()
		case "CNAME":
			data = wireName(each.text("data"))
		default:
			t.Fatal("an upstream can't answer", each.text("type"))
		}
		ttl := each.int("ttl")
		wire = append(wire, wireName(each.text("name"))...)
		wire = append(wire, byte(rtype>>8), byte(rtype), 0, 1, byte(ttl>>24), byte(ttl>>16), byte(ttl>>8), byte(ttl))
		wire = append(append(wire, byte(len(data)>>8), byte(len(data))), data...)
	}
	return hex.EncodeToString(wire)
}
