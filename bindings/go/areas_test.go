package svckit

import (
	"errors"
	"io"
	"net/netip"
	"sync"
	"testing"
)

func TestPickPacked(t *testing.T) {
	table := tableOf(t, newCluster(t, shop))
	affinity, err := NewAffinity(10, seed)
	if err != nil {
		t.Fatal(err)
	}
	defer affinity.Close()
	tests := map[string]Outcome{"10.96.0.10:80": Backend, "10.96.0.10:0": NotAService, "10.96.0.12:80": NoEndpoints, "[fd00::1]:80": NotAService}
	var flows []PackedFlow
	var want []Outcome
	for to, outcome := range tests {
		question := flow(to)
		flows, want = append(flows, question.Packed()), append(want, outcome)
	}
	picks, sticky := make([]PackedPick, len(flows)), make([]PackedPick, len(flows))
	if err := errors.Join(table.PickPacked(flows, picks), affinity.PickPacked(table, flows, sticky, 0)); err != nil {
		t.Fatal(err)
	}
	for i, outcome := range want {
		if picks[i].Outcome != outcome || sticky[i].Outcome != outcome || picks[i].Endpoint().IsValid() != (outcome == Backend) {
			t.Error(flows[i], picks[i], sticky[i])
		}
		if pick := picks[i].Pick(); pick.Outcome != outcome || pick.Endpoint != picks[i].Endpoint() {
			t.Error(pick)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _ = table.PickPacked(flows, picks) }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
	if err := table.PickPacked(flows, picks[1:]); !errors.Is(err, BufferTooSmall) {
		t.Error(err)
	}
	if err := table.PickPacked(nil, nil); err != nil {
		t.Error(err)
	}
}

func TestConnections(t *testing.T) {
	cluster := newCluster(t, shop)
	if err := cluster.Balance("shop", "web", "least-connections"); err != nil {
		t.Fatal(err)
	}
	table, to := tableOf(t, cluster), flow("10.96.0.10:80")
	busy, err := table.Pick(to)
	if err != nil {
		t.Fatal(err)
	}
	connection, err := table.Connect(to, busy)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := table.Connections(to, busy); n != 1 || err != nil {
		t.Error(n, err)
	}
	for range 20 {
		if pick, err := table.Pick(to); pick.Endpoint == busy.Endpoint || err != nil {
			t.Error(pick, err)
		}
	}
	if err := errors.Join(connection.Observe(5, 1), connection.Close(), connection.Close()); err != nil {
		t.Error(err)
	}
	if n, err := table.Connections(to, busy); n != 0 || err != nil {
		t.Error(n, err)
	}
	if _, err := table.Connect(flow("10.96.0.12:80"), Pick{}); !errors.Is(err, NotFound) {
		t.Error(err)
	}
}

func TestSlices(t *testing.T) {
	slices, err := NewSlices(nil, seed)
	if err != nil {
		t.Fatal(err)
	}
	defer slices.Close()
	if findings, err := slices.Apply([]byte(shop)); err != nil {
		t.Fatal(findings, err)
	}
	writes, err := slices.Take()
	if err != nil || len(writes) == 0 || writes[0].Write != "create" {
		t.Fatal(writes, err)
	}
	if writes, err := slices.Take(); len(writes) != 0 || err != nil {
		t.Error(writes, err)
	}
	if err := slices.Delete("Pod", "shop", "a"); err != nil {
		t.Error(err)
	}
	if writes, err := slices.Take(); len(writes) != 2 || writes[0].Write != "update" || err != nil {
		t.Error(writes, err)
	}
	if err := slices.Delete("Ingress", "shop", "a"); !errors.Is(err, InvalidArgument) {
		t.Error(err)
	}
}

func TestAsk(t *testing.T) {
	var answer struct{ URI *string }
	if err := Ask("nginx-uri", map[string]string{"target": "//a/../b"}, &answer); err != nil || *answer.URI != "/b" {
		t.Error(answer, err)
	}
	if err := Ask("why", nil, &answer); !errors.Is(err, NotFound) {
		t.Error(err)
	}
	if err := Ask("nginx-uri", 7, &answer); !errors.Is(err, InvalidArgument) {
		t.Error(err)
	}
}

// A cluster that holds Gateways has routes for them too.
func TestGatewaysOfACluster(t *testing.T) {
	cluster := newCluster(t, shop+`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"GatewayClass","metadata":{"name":"c"},"spec":`+
		`{"controllerName":"svckit.example/gateway"}}{"apiVersion":"gateway.networking.k8s.io/v1","kind":"Gateway","metadata":`+
		`{"name":"g","namespace":"shop"},"spec":{"gatewayClassName":"c","listeners":[{"name":"h","port":80,"protocol":"HTTP"}]}}`+
		`{"apiVersion":"gateway.networking.k8s.io/v1","kind":"HTTPRoute","metadata":{"name":"r","namespace":"shop"},"spec":`+
		`{"parentRefs":[{"name":"g"}],"rules":[{"backendRefs":[{"name":"web","port":80}]}]}}`)
	routes, findings, err := cluster.GatewayRoutes()
	if err != nil {
		t.Fatal(findings, err)
	}
	defer routes.Close()
	answer, err := routes.Answer("shop", "g", 80, "", Request{Method: "GET", Target: "/cart", Hosts: []string{"a.b"}})
	if err != nil || answer.Action != RouteForward || answer.Port.Service != "web" || answer.Text != "/cart" {
		t.Error(answer, err)
	}
}

// The areas that are fed alone answer Closed after Close too.
func TestAreasAfterClose(t *testing.T) {
	names, _, _ := NewNames(nil, seed)
	zone, _ := names.Zone()
	records, _ := NewSkyDNS(nil)
	slices, _ := NewSlices(nil, seed)
	gateways, _ := NewGateways(seed)
	routes, _, _ := gateways.Routes()
	for _, value := range []io.Closer{names, zone, records, slices, gateways, routes} {
		if err := errors.Join(value.Close(), value.Close()); err != nil {
			t.Errorf("%T: %v", value, err)
		}
	}
	peer := Peer{Address: netip.MustParseAddr("192.0.2.1")}
	calls := map[string]func() error{
		"names":      func() error { _, err := names.Apply(nil); return err },
		"sync":       names.Sync,
		"zone":       func() error { _, err := names.Zone(); return err },
		"continue":   func() error { _, _, _, err := zone.Continue(nil, peer, nil, nil); return err },
		"transfer":   func() error { _, err := zone.Transfer(nil); return err },
		"serials":    func() error { _, err := zone.Serials(); return err },
		"put":        func() error { return records.Put("/skydns", []byte("{}"), 0) },
		"answer":     func() error { _, _, err := records.Answer(nil, peer, nil); return err },
		"slices":     func() error { _, err := slices.Apply(nil); return err },
		"take":       func() error { _, err := slices.Take(); return err },
		"gateways":   func() error { _, err := gateways.Apply(nil); return err },
		"routes":     func() error { _, _, err := gateways.Routes(); return err },
		"to a route": func() error { _, err := routes.Answer("a", "b", 80, "", Request{}); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, Closed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Feeders and readers of the areas that are fed alone, at once.
func TestAreasBesideEachOther(t *testing.T) {
	names, _, err := NewNames(nil, seed)
	if err != nil {
		t.Fatal(err)
	}
	slices, err := NewSlices(nil, seed)
	if err != nil {
		t.Fatal(err)
	}
	gateways, err := NewGateways(seed)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	beside := func(work func() error) {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for range 30 {
				if err := work(); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	feed := []byte(service("web", "10.96.0.10", `"ports":[{"port":80}],"clusterIPs":["10.96.0.10"]`))
	beside(func() error { _, err := names.Apply(feed); return err })
	beside(func() error { _, err := slices.Apply(feed); return err })
	beside(func() error { _, err := gateways.Apply(feed); return err })
	for range 2 {
		beside(func() error {
			zone, err := names.Zone()
			if err != nil {
				return err
			}
			_, _, err = zone.Answer(question("web.shop.svc.cluster.local"), Peer{}, make([]byte, 512))
			return errors.Join(err, zone.Close())
		})
		beside(func() error { _, err := slices.Take(); return err })
		beside(func() error {
			routes, _, err := gateways.Routes()
			if err != nil {
				return err
			}
			_, err = routes.Answer("shop", "g", 80, "", Request{Method: "GET", Target: "/", Hosts: []string{"a.b"}})
			return err
		})
	}
	wait.Wait()
}
