package svckit

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

func flow(to string) Flow {
	return Flow{
		Source: netip.MustParseAddrPort("192.0.2.1:5000"), Destination: netip.MustParseAddrPort(to), Protocol: TCP,
	}
}

func TestPick(t *testing.T) {
	table := tableOf(t, newCluster(t, shop))
	tests := []struct {
		name, to string
		protocol Protocols
		want     Outcome
	}{
		{"service", "10.96.0.10:80", TCP, Backend},
		{"other port", "10.96.0.10:81", TCP, NotAService},
		{"other protocol", "10.96.0.10:80", UDP, NotAService},
		{"no protocol", "10.96.0.10:80", 0, NotAService},
		{"port 0", "10.96.0.10:0", TCP, NotAService},
		{"no endpoints", "10.96.0.12:80", TCP, NoEndpoints},
		{"other address", "10.96.0.13:80", TCP, NotAService},
		{"other family", "[fd00::1]:80", TCP, NotAService},
	}
	var flows []Flow
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			question := flow(test.to)
			question.Protocol = test.protocol
			flows = append(flows, question)
			pick, err := table.Pick(question)
			if err != nil || pick.Outcome != test.want {
				t.Errorf("came %v (%v), wanted %v", pick.Outcome, err, test.want)
			}
			if pick.Endpoint.IsValid() != (test.want == Backend) {
				t.Errorf("%v goes to %v", pick.Outcome, pick.Endpoint)
			}
		})
	}
	picks := make([]Pick, len(flows))
	if err := table.PickMany(flows, picks); err != nil {
		t.Fatal(err)
	}
	for i, test := range tests {
		if picks[i].Outcome != test.want {
			t.Errorf("%s: came %v in a batch, wanted %v", test.name, picks[i].Outcome, test.want)
		}
	}
	if err := table.PickMany(flows, nil); !errors.Is(err, BufferTooSmall) {
		t.Error(err)
	}
}

func TestLargeBatch(t *testing.T) {
	table := tableOf(t, newCluster(t, shop))
	flows, picks := make([]Flow, 1000), make([]Pick, 1000)
	for i := range flows {
		flows[i] = flow("10.96.0.10:80")
	}
	if err := table.PickMany(flows, picks); err != nil {
		t.Fatal(err)
	}
	count := map[netip.AddrPort]int{}
	for _, pick := range picks {
		count[pick.Endpoint]++
	}
	if len(count) != 2 || count[picks[0].Endpoint] != 500 {
		t.Errorf("not in turn: %v", count)
	}
}

func TestNames(t *testing.T) {
	table := tableOf(t, newCluster(t, shop))
	web := ServicePort{"shop", "web", "http", TCP}
	pick, err := table.PickByName(web, netip.MustParseAddrPort("192.0.2.1:5000"))
	if err != nil || pick.Outcome != Backend {
		t.Fatal(pick, err)
	}
	if name, err := table.ServicePort(pick.ServicePort); name != web || err != nil {
		t.Error(name, err)
	}
	if _, err := table.ServicePort(1 << 30); !errors.Is(err, NotFound) {
		t.Error(err)
	}
	endpoints, outcome, err := table.Endpoints(flow("10.96.0.10:80"))
	if len(endpoints) != 2 || outcome != Backend || err != nil {
		t.Error(endpoints, outcome, err)
	}
}

func TestTablesOutliveChanges(t *testing.T) {
	cluster := newCluster(t, shop)
	before := tableOf(t, cluster)
	if err := cluster.Delete("Pod", "shop", "a", time.Second); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Delete("Pod", "shop", "a", time.Second); !errors.Is(err, NotFound) {
		t.Error(err)
	}
	after := tableOf(t, cluster)
	if before.Generation() >= after.Generation() {
		t.Error(before.Generation(), after.Generation())
	}
	_ = cluster.Close()
	for table, want := range map[*Table]int{before: 2, after: 1} {
		if endpoints, _, err := table.Endpoints(flow("10.96.0.10:80")); len(endpoints) != want || err != nil {
			t.Error(endpoints, err)
		}
	}
}

func TestAffinity(t *testing.T) {
	table := tableOf(t, newCluster(t, shop))
	affinity, err := NewAffinity(100, seed)
	if err != nil {
		t.Fatal(err)
	}
	defer affinity.Close()
	first, err := affinity.Pick(table, flow("10.96.0.11:80"), 0)
	if err != nil || first.Outcome != Backend {
		t.Fatal(first, err)
	}
	for range 5 {
		if again, err := affinity.Pick(table, flow("10.96.0.11:80"), time.Second); again != first || err != nil {
			t.Error(again, err)
		}
	}
	if affinity.Len(time.Second) != 1 {
		t.Error(affinity.Len(time.Second))
	}
}

func TestPickAllocatesNothing(t *testing.T) {
	table := tableOf(t, newCluster(t, shop))
	affinity, _ := NewAffinity(100, seed)
	defer affinity.Close()
	one := flow("10.96.0.11:80")
	flows, picks := make([]Flow, 100), make([]Pick, 100)
	for i := range flows {
		flows[i] = one
	}
	calls := map[string]func() error{
		"Pick":              func() error { _, err := table.Pick(one); return err },
		"PickMany":          func() error { return table.PickMany(flows, picks) },
		"Affinity.Pick":     func() error { _, err := affinity.Pick(table, one, 0); return err },
		"Affinity.PickMany": func() error { return affinity.PickMany(table, flows, picks, 0) },
	}
	for name, call := range calls {
		var err error
		if n := testing.AllocsPerRun(100, func() { err = errors.Join(err, call()) }); n != 0 || err != nil {
			t.Errorf("%s allocates %v times (%v)", name, n, err)
		}
	}
}
