package svckit

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

type flowScenario struct {
	ID       string
	Config   flowConfig
	Services []struct {
		Namespace, Name string
		ClusterIP       *string  `json:"cluster_ip"`
		External        string   `json:"external_policy"`
		Internal        string   `json:"internal_policy"`
		ExternalIPs     []string `json:"external_ips"`
		VIPs            []string `json:"lb_vips"`
		SourceRanges    []string `json:"lb_source_ranges"`
		Ports           []flowPort
	}
	Endpoints []struct {
		Service   string
		Ports     []flowPort
		Endpoints []struct {
			IP                          netip.Addr
			Node                        *string
			Ready, Serving, Terminating bool
			ZoneHints                   []string `json:"zone_hints"`
			NodeHints                   []string `json:"node_hints"`
		}
	}
	Flows []struct {
		ID       string
		Src, Dst netip.Addr
		Protocol string
		DPort    uint16
		Expect   struct {
			Verdict string
			To      []netip.AddrPort
			SNAT    bool
		}
	}
}

type flowConfig struct {
	Family       string
	NodeName     string   `json:"node_name"`
	NodeZone     *string  `json:"node_zone"`
	NodeIP       string   `json:"node_ip"`
	HostIPs      []string `json:"host_ips"`
	PodDetection struct {
		Mode  string
		Value *string
	} `json:"pod_detection"`
	MasqueradeAll     bool     `json:"masquerade_all"`
	NodePortAddresses []string `json:"nodeport_addresses"`
	ServiceCIDRs      []string `json:"service_cidrs"`
}

type flowPort struct {
	Name, Protocol string
	Port           uint16
	NodePort       uint16 `json:"node_port"`
}

type object = map[string]any

// settings are those of a scenario. Cluster IPs that lie in none of its ranges get one of their own.
func (s *flowScenario) settings() object {
	c := &s.Config
	ranges := slices.Clone(c.ServiceCIDRs)
	for _, service := range s.Services {
		if service.ClusterIP == nil {
			continue
		}
		ip := netip.MustParseAddr(*service.ClusterIP)
		if !slices.ContainsFunc(ranges, func(r string) bool { return netip.MustParsePrefix(r).Contains(ip) }) {
			own, _ := ip.Prefix(ip.BitLen() - 4)
			ranges = append(ranges, own.String())
		}
	}
	settings := object{
		"node": c.NodeName, "masqueradeAll": c.MasqueradeAll, "nodePortRange": "1-65535", "podCIDRs": []string{},
	}
	if len(ranges) > 0 {
		settings["serviceCIDRs"] = ranges
	}
	if c.PodDetection.Value != nil {
		settings["podCIDRs"] = []string{*c.PodDetection.Value}
	}
	if len(c.NodePortAddresses) > 0 {
		settings["nodePortAddresses"] = c.NodePortAddresses
	}
	return settings
}

// node is the node that looks at the packets.
func (c *flowConfig) node() object {
	addresses := []object{{"type": "InternalIP", "address": c.NodeIP}}
	for _, ip := range c.HostIPs {
		if ip != c.NodeIP && !netip.MustParseAddr(ip).IsLoopback() {
			addresses = append(addresses, object{"type": "ExternalIP", "address": ip})
		}
	}
	labels := object{}
	if c.NodeZone != nil {
		labels["topology.kubernetes.io/zone"] = *c.NodeZone
	}
	return object{
		"apiVersion": "v1", "kind": "Node", "metadata": object{"name": c.NodeName, "labels": labels},
		"status": object{"addresses": addresses},
	}
}

// objects are a scenario's Services and slices, as an API server has them.
func (s *flowScenario) objects() []object {
	all := []object{s.Config.node()}
	for _, service := range s.Services {
		var ports []object
		kind := "ClusterIP"
		for _, port := range service.Ports {
			made := object{"name": port.Name, "protocol": port.Protocol, "port": port.Port}
			if port.NodePort != 0 {
				made["nodePort"] = port.NodePort
				kind = "NodePort"
			}
			ports = append(ports, made)
		}
		spec := object{
			"ports": ports, "internalTrafficPolicy": service.Internal, "externalIPs": service.ExternalIPs,
		}
		status := object{}
		if len(service.VIPs) > 0 {
			kind = "LoadBalancer"
			var ingress []object
			for _, vip := range service.VIPs {
				ingress = append(ingress, object{"ip": vip})
			}
			status["loadBalancer"] = object{"ingress": ingress}
			if len(service.SourceRanges) > 0 {
				spec["loadBalancerSourceRanges"] = service.SourceRanges
			}
		}
		spec["type"] = kind
		if kind != "ClusterIP" || len(service.ExternalIPs) > 0 {
			spec["externalTrafficPolicy"] = service.External
		}
		if service.ClusterIP == nil {
			spec["clusterIP"] = "None"
		} else {
			spec["clusterIP"] = *service.ClusterIP
		}
		all = append(all, object{
			"apiVersion": "v1", "kind": "Service", "spec": spec, "status": status,
			"metadata": object{"name": service.Name, "namespace": service.Namespace},
		})
	}
	for n, slice := range s.Endpoints {
		namespace, name, _ := strings.Cut(slice.Service, "/")
		for _, family := range []string{"IPv4", "IPv6"} {
			var endpoints []object
			for _, e := range slice.Endpoints {
				if e.IP.Is4() != (family == "IPv4") {
					continue
				}
				endpoint := object{
					"addresses":  []string{e.IP.String()},
					"conditions": object{"ready": e.Ready, "serving": e.Serving, "terminating": e.Terminating},
				}
				if e.Node != nil {
					endpoint["nodeName"] = *e.Node
				}
				hints := object{}
				for key, names := range map[string][]string{"forZones": e.ZoneHints, "forNodes": e.NodeHints} {
					for _, name := range names {
						list, _ := hints[key].([]object)
						hints[key] = append(list, object{"name": name})
					}
				}
				if len(hints) > 0 {
					endpoint["hints"] = hints
				}
				endpoints = append(endpoints, endpoint)
			}
			if endpoints == nil {
				continue
			}
			var ports []object
			for _, port := range slice.Ports {
				ports = append(ports, object{"name": port.Name, "protocol": port.Protocol, "port": port.Port})
			}
			all = append(all, object{
				"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
				"metadata": object{
					"name": fmt.Sprintf("%s-%s-%d", name, strings.ToLower(family), n), "namespace": namespace,
					"labels": object{"kubernetes.io/service-name": name},
				},
				"ports": ports, "endpoints": endpoints,
			})
		}
	}
	return all
}

func TestPacketFlow(t *testing.T) {
	var file struct{ Scenarios []flowScenario }
	vectors(t, "packet-flow.json", &file)
	protocols := map[string]Protocols{"TCP": TCP, "UDP": UDP, "SCTP": SCTP}
	for _, scenario := range file.Scenarios {
		settings, _ := json.Marshal(scenario.settings())
		cluster, findings, err := NewCluster(settings, seed)
		if err != nil {
			t.Error(scenario.ID, findings, err)
			continue
		}
		objects, _ := json.Marshal(object{"kind": "List", "apiVersion": "v1", "items": scenario.objects()})
		if findings, err := cluster.Apply(objects, 0); err != nil {
			t.Error(scenario.ID, findings, err)
			continue
		}
		for _, f := range scenario.Flows {
			t.Run(scenario.ID+"/"+f.ID, func(t *testing.T) {
				trace, err := cluster.Trace(Flow{
					Source: netip.AddrPortFrom(f.Src, 40000), Destination: netip.AddrPortFrom(f.Dst, f.DPort),
					Protocol: protocols[f.Protocol],
				})
				if err != nil {
					t.Fatal(err)
				}
				slices.SortFunc(trace.Endpoints, netip.AddrPort.Compare)
				slices.SortFunc(f.Expect.To, netip.AddrPort.Compare)
				if trace.Verdict.String() != f.Expect.Verdict || trace.Masquerades != f.Expect.SNAT ||
					!slices.Equal(trace.Endpoints, f.Expect.To) {
					t.Errorf("came %+v, wanted %+v", trace, f.Expect)
				}
			})
		}
		_ = cluster.Close()
	}
}
