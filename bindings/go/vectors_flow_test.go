package svckit

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// Scenarios are put into the form of manifests: a node, Services and slices, as an API server has them.
func runPacketFlow(t *testing.T, f face, document value) {
	protocols := map[string]Protocols{"TCP": TCP, "UDP": UDP, "SCTP": SCTP}
	verdicts := map[string]Verdict{"pass": Pass, "dnat": DNAT, "reject": Reject, "drop": Discard}
	for _, scenario := range document.get("scenarios").list() {
		t.Run(scenario.text("id"), func(t *testing.T) {
			made := f.ask(asked{Call: "cluster", Settings: written(flowSettings(t, scenario)), Objects: listOf(flowObjects(scenario))})
			if made.Status != 0 {
				t.Fatal(made)
			}
			for _, c := range scenario.get("flows").list() {
				t.Run(c.text("id"), func(t *testing.T) {
					came := f.ask(asked{
						Call: "trace", Source: c.text("src"), Address: c.text("dst"), Port: uint16(c.int("dport")),
						Protocol: uint8(protocols[c.text("protocol")]),
					})
					expect := c.get("expect")
					wanted := slices.Sorted(slices.Values(expect.get("to").texts()))
					slices.Sort(came.Endpoints)
					if came.Status != 0 || Verdict(came.Verdict) != verdicts[expect.text("verdict")] ||
						came.Masquerades != expect.is("snat") || !slices.Equal(came.Endpoints, wanted) {
						t.Errorf("came %+v, wanted %s", came, expect.raw())
					}
				})
			}
		})
	}
}

// flowSettings are those of a scenario. Cluster IPs that lie in none of its ranges get one of their own.
func flowSettings(t *testing.T, s value) object {
	c := s.get("config")
	ranges := c.get("service_cidrs").texts()
	for _, service := range s.get("services").list() {
		if service.get("cluster_ip").any == nil {
			continue
		}
		ip := netip.MustParseAddr(service.text("cluster_ip"))
		if !slices.ContainsFunc(ranges, func(r string) bool { return netip.MustParsePrefix(r).Contains(ip) }) {
			own, err := ip.Prefix(ip.BitLen() - 4)
			if err != nil {
				t.Fatal(err)
			}
			ranges = append(ranges, own.String())
		}
	}
	settings := object{
		"node": c.text("node_name"), "masqueradeAll": c.is("masquerade_all"), "nodePortRange": "1-65535",
		"podCIDRs": []string{},
	}
	if len(ranges) > 0 {
		settings["serviceCIDRs"] = ranges
	}
	if detected := c.get("pod_detection").text("value"); detected != "" {
		settings["podCIDRs"] = []string{detected}
	}
	if addresses := c.get("nodeport_addresses").texts(); len(addresses) > 0 {
		settings["nodePortAddresses"] = addresses
	}
	return settings
}

// flowNode is the node that looks at the packets.
func flowNode(c value) object {
	addresses := []object{{"type": "InternalIP", "address": c.text("node_ip")}}
	for _, ip := range c.get("host_ips").texts() {
		if ip != c.text("node_ip") && !netip.MustParseAddr(ip).IsLoopback() {
			addresses = append(addresses, object{"type": "ExternalIP", "address": ip})
		}
	}
	labels := object{}
	if zone := c.text("node_zone"); zone != "" {
		labels["topology.kubernetes.io/zone"] = zone
	}
	return object{
		"apiVersion": "v1", "kind": "Node", "metadata": object{"name": c.text("node_name"), "labels": labels},
		"status": object{"addresses": addresses},
	}
}

func flowObjects(s value) []object {
	all := []object{flowNode(s.get("config"))}
	for _, service := range s.get("services").list() {
		all = append(all, flowService(service))
	}
	for n, slice := range s.get("endpoints").list() {
		for _, family := range []string{"IPv4", "IPv6"} {
			if made := flowSlice(slice, family, n); made != nil {
				all = append(all, made)
			}
		}
	}
	return all
}

func flowService(service value) object {
	var ports []object
	kind := "ClusterIP"
	for _, port := range service.get("ports").list() {
		made := object{"name": port.text("name"), "protocol": port.text("protocol"), "port": port.int("port")}
		if node := port.int("node_port"); node != 0 {
			made["nodePort"] = node
			kind = "NodePort"
		}
		ports = append(ports, made)
	}
	external := service.get("external_ips").texts()
	spec := object{"ports": ports, "internalTrafficPolicy": service.text("internal_policy"), "externalIPs": external}
	status := object{}
	if vips := service.get("lb_vips").texts(); len(vips) > 0 {
		kind = "LoadBalancer"
		var ingress []object
		for _, vip := range vips {
			ingress = append(ingress, object{"ip": vip})
		}
		status["loadBalancer"] = object{"ingress": ingress}
		if sources := service.get("lb_source_ranges").texts(); len(sources) > 0 {
			spec["loadBalancerSourceRanges"] = sources
		}
	}
	spec["type"] = kind
	if kind != "ClusterIP" || len(external) > 0 {
		spec["externalTrafficPolicy"] = service.text("external_policy")
	}
	spec["clusterIP"] = "None"
	if ip := service.text("cluster_ip"); ip != "" {
		spec["clusterIP"] = ip
	}
	return object{
		"apiVersion": "v1", "kind": "Service", "spec": spec, "status": status,
		"metadata": object{"name": service.text("name"), "namespace": service.text("namespace")},
	}
}

// flowSlice is a slice's part of one family; nil when it has none.
func flowSlice(slice value, family string, n int) object {
	namespace, name, _ := strings.Cut(slice.text("service"), "/")
	var endpoints []object
	for _, e := range slice.get("endpoints").list() {
		if netip.MustParseAddr(e.text("ip")).Is4() != (family == "IPv4") {
			continue
		}
		endpoint := object{
			"addresses":  []string{e.text("ip")},
			"conditions": object{"ready": e.is("ready"), "serving": e.is("serving"), "terminating": e.is("terminating")},
		}
		if node := e.text("node"); node != "" {
			endpoint["nodeName"] = node
		}
		hints := object{}
		for key, list := range map[string]string{"forZones": "zone_hints", "forNodes": "node_hints"} {
			var names []object
			for _, name := range e.get(list).texts() {
				names = append(names, object{"name": name})
			}
			if names != nil {
				hints[key] = names
			}
		}
		if len(hints) > 0 {
			endpoint["hints"] = hints
		}
		endpoints = append(endpoints, endpoint)
	}
	if endpoints == nil {
		return nil
	}
	var ports []object
	for _, port := range slice.get("ports").list() {
		ports = append(ports, object{"name": port.text("name"), "protocol": port.text("protocol"), "port": port.int("port")})
	}
	return object{
		"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
		"metadata": object{
			"name": fmt.Sprintf("%s-%s-%d", name, strings.ToLower(family), n), "namespace": namespace,
			"labels": object{"kubernetes.io/service-name": name},
		},
		"ports": ports, "endpoints": endpoints,
	}
}
