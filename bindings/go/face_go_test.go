package svckit

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
)

// goFace is this module.
type goFace struct {
	cluster  *Cluster
	routes   *Routes
	names    *Names
	zone     *Zone
	skydns   *SkyDNS
	gateways *Gateways
	gateway  *GatewayRoutes
	buf      [AnswerMax]byte
}

// tell is an answer with a status and findings.
func tell(findings Findings, err error) told {
	var answer told
	var status Status
	if errors.As(err, &status) {
		answer.Status = status
	} else if err != nil {
		answer.Status = Other
	}
	for _, f := range findings {
		answer.Findings = append(answer.Findings, toldFinding{int(f.Kind), f.Path, f.Refused})
	}
	return answer
}

func (g *goFace) ask(q asked) told {
	switch q.Call {
	case "syntax":
		return tell(CheckSyntax(q.Form, q.Value))
	case "validate":
		return tell(ValidateObject(q.Object, q.Old, q.Gates))
	case "validate-status":
		return tell(ValidateStatus(q.Object, q.Old, q.Gates))
	case "address-range":
		return addressRange(q.Value)
	case "port-range":
		return portRange(q.Value)
	case "draw-addresses":
		return drawAddresses(q)
	case "draw-ports":
		return drawPorts(q)
	case "question":
		var answer json.RawMessage
		told := tell(nil, Ask(q.Form, q.Input, &answer))
		told.Answer = answer
		return told
	case "cluster", "trace", "route", "explain":
		return g.askCluster(q)
	case "gateways", "gateway":
		return g.askGateway(q)
	}
	return g.askNames(q)
}

func addressRange(cidr string) told {
	r, err := ParseAddressRange(cidr, true)
	answer := tell(nil, err)
	if err == nil {
		answer.Numbers = map[string]uint64{"usable": r.Usable, "static": r.StaticLen}
		answer.Addresses = map[string]string{}
		for name, address := range map[string]netip.Addr{
			"network": r.Network, "broadcast": r.Broadcast, "staticFirst": r.StaticFirst, "staticLast": r.StaticLast,
			"dynamicFirst": r.DynamicFirst, "dynamicLast": r.DynamicLast,
		} {
			answer.Addresses[name] = address.String()
		}
	}
	return answer
}

func portRange(text string) told {
	r, err := ParsePortRange(text)
	answer := tell(nil, err)
	answer.Numbers = map[string]uint64{
		"size": uint64(r.Size), "static": uint64(r.StaticLen), "first": uint64(r.First), "last": uint64(r.Last),
		"staticFirst": uint64(r.StaticFirst), "staticLast": uint64(r.StaticLast),
		"dynamicFirst": uint64(r.DynamicFirst), "dynamicLast": uint64(r.DynamicLast),
	}
	return answer
}

// drawAddresses draws from a range until there are enough, or nothing is left.
func drawAddresses(q asked) told {
	ips, err := NewClusterIPs(seed, 0)
	if err != nil {
		return tell(nil, err)
	}
	defer ips.Close()
	cidr, err := netip.ParsePrefix(q.Value)
	if err == nil {
		err = ips.Add(cidr)
	}
	var answer told
	for n := 0; err == nil && n < q.Cap; n++ {
		var address netip.Addr
		family := IPv4
		if cidr.Addr().Is6() {
			family = IPv6
		}
		if address, err = ips.Allocate(family, 0); err == nil {
			answer.Endpoints = append(answer.Endpoints, address.String())
		}
	}
	answer.Status = tell(nil, err).Status
	return answer
}

// drawPorts does the same with ports.
func drawPorts(q asked) told {
	ports, err := NewNodePorts(q.Value, seed, 0)
	if err != nil {
		return tell(nil, err)
	}
	defer ports.Close()
	var answer told
	for n := 0; err == nil && n < q.Cap; n++ {
		var port uint16
		if port, err = ports.Allocate(TCP, 0); err == nil {
			answer.Counts = append(answer.Counts, uint32(port))
		}
	}
	answer.Status = tell(nil, err).Status
	return answer
}

func (g *goFace) askCluster(q asked) told {
	switch q.Call {
	case "cluster":
		var findings Findings
		var err error
		if g.cluster, findings, err = NewCluster(q.Settings, seed); err == nil {
			findings, err = g.cluster.Apply(q.Objects, 0)
		}
		if err == nil || errors.Is(err, Refused) {
			var wrong error
			if g.routes, _, wrong = g.cluster.Routes(); wrong != nil {
				err = wrong
			}
		}
		return tell(findings, err)
	case "trace":
		trace, err := g.cluster.Trace(Flow{
			Source:      netip.AddrPortFrom(netip.MustParseAddr(q.Source), 40000),
			Destination: netip.AddrPortFrom(netip.MustParseAddr(q.Address), q.Port), Protocol: Protocols(q.Protocol),
		})
		answer := tell(nil, err)
		if err == nil {
			answer.Verdict, answer.Masquerades = int(trace.Verdict), trace.Masquerades
			for _, endpoint := range trace.Endpoints {
				answer.Endpoints = append(answer.Endpoints, endpoint.String())
			}
		}
		return answer
	case "route":
		a, err := g.routes.Answer(q.request())
		answer := tell(nil, err)
		answer.Action, answer.Code, answer.Text, answer.Host = int(a.Action), a.Status, a.Text, a.UpstreamHost
		answer.Service = a.Port.Namespace + "/" + a.Port.Service
		return answer
	default:
		explanation, err := g.routes.Explain(q.request())
		answer := tell(nil, err)
		answer.Answer = written(explanation)
		return answer
	}
}

func (q *asked) request() Request {
	request := Request{Method: q.Method, Target: q.Target, Hosts: q.Hosts, Header: map[string]string{}}
	for _, header := range q.Headers {
		request.Header[header[0]] = header[1]
	}
	return request
}

func (g *goFace) askGateway(q asked) told {
	if q.Call == "gateways" {
		var findings Findings
		var err error
		if g.gateways, err = NewGateways(seed); err == nil {
			findings, err = g.gateways.Apply(q.Objects)
		}
		if err == nil {
			g.gateway, _, err = g.gateways.Routes()
		}
		return tell(findings, err)
	}
	a, err := g.gateway.Answer(q.Namespace, q.Name, q.Port, q.ServerName, q.request())
	answer := tell(nil, err)
	answer.Action, answer.Code, answer.Text, answer.Host = int(a.Action), a.Status, a.Text, a.UpstreamHost
	answer.Service = a.Port.Namespace + "/" + a.Port.Service
	for _, change := range a.Request {
		answer.Changes = append(answer.Changes, toldChange{change.Name, change.Value, int(change.Operation), false})
	}
	for _, change := range a.Response {
		answer.Changes = append(answer.Changes, toldChange{change.Name, change.Value, int(change.Operation), true})
	}
	return answer
}

func (g *goFace) askNames(q asked) told {
	message, _ := hex.DecodeString(q.Message)
	var upstream []byte
	if q.Upstream != nil {
		upstream, _ = hex.DecodeString(*q.Upstream)
	}
	peer := Peer{TCP: !q.UDP}
	if q.Client != "" {
		peer.Address = netip.MustParseAddr(q.Client)
	}
	room := g.buf[:]
	if q.Cap > 0 {
		room = room[:q.Cap]
	}
	replied := func(reply []byte, action Action, err error) told {
		answer := tell(nil, err)
		answer.Reply, answer.Action = hex.EncodeToString(reply), int(action)
		return answer
	}
	switch q.Call {
	case "names":
		var findings Findings
		var err error
		if g.names, findings, err = NewNames(q.Settings, seed); err == nil {
			findings, err = g.names.Apply(q.Objects)
		}
		return tell(findings, err)
	case "names-apply":
		return tell(g.names.Apply(q.Objects))
	case "names-delete":
		return tell(nil, g.names.Delete(q.Form, q.Namespace, q.Name))
	case "names-sync":
		return tell(nil, g.names.Sync())
	case "names-serial":
		return tell(nil, g.names.SetSerials(Serials{q.Serial, q.Serial, q.Serial}))
	case "zone":
		var err error
		g.zone, err = g.names.Zone()
		answer := tell(nil, err)
		if err == nil {
			serials, _ := g.zone.Serials()
			answer.Counts = []uint32{serials.Cluster, serials.External, serials.Multicluster}
		}
		return answer
	case "answer":
		return replied(g.zone.Answer(message, peer, room))
	case "target":
		target, err := g.zone.Target(message)
		answer := tell(nil, err)
		answer.Target = target
		return answer
	case "complete":
		return replied(g.zone.Complete(message, peer, upstream, room))
	case "continue":
		var replies [][]byte
		for _, each := range q.Replies {
			said, _ := hex.DecodeString(each)
			replies = append(replies, said)
		}
		reply, action, next, err := g.zone.Continue(message, peer, replies, room)
		answer := replied(reply, action, err)
		answer.Target, answer.Code = next.Target, int(next.Type)
		return answer
	case "nameservers":
		records, err := g.zone.Nameservers(q.Name)
		answer := tell(nil, err)
		answer.Answer = written(records)
		return answer
	case "transfer":
		all, err := g.zone.Transfer(message)
		answer := tell(nil, err)
		answer.Reply = hex.EncodeToString(all)
		return answer
	case "skydns":
		var err error
		g.skydns, err = NewSkyDNS(q.Settings)
		return tell(nil, err)
	case "skydns-put":
		return tell(nil, g.skydns.Put(q.Name, q.Object, q.Lease))
	case "skydns-sync":
		return tell(nil, g.skydns.Sync())
	case "skydns-answer":
		return replied(g.skydns.Answer(message, peer, room))
	}
	panic(fmt.Sprintf("unknown call %q", q.Call))
}
