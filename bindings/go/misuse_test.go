package svckit

import (
	"errors"
	"io"
	"net/netip"
	"runtime"
	"sync"
	"testing"
)

// Every call after Close fails with Closed, and a second Close does nothing.
func TestUseAfterClose(t *testing.T) {
	ips, _ := NewClusterIPs(seed, 0)
	ports, _ := NewNodePorts("30000-30010", seed, 0)
	cluster := newCluster(t, shop)
	table := tableOf(t, cluster)
	affinity, _ := NewAffinity(10, seed)
	for _, value := range []io.Closer{ips, ports, cluster, table, affinity} {
		for range 2 {
			if err := value.Close(); err != nil {
				t.Errorf("%T: %v", value, err)
			}
		}
	}
	calls := map[string]func() error{
		"Allocate":     func() error { _, err := ips.Allocate(IPv4, 0); return err },
		"Reserve":      func() error { return ips.Reserve(netip.MustParseAddr("10.0.0.1")) },
		"port":         func() error { _, err := ports.Allocate(TCP, 0); return err },
		"Apply":        func() error { _, err := cluster.Apply([]byte(shop), 0); return err },
		"Table":        func() error { _, err := cluster.Table(); return err },
		"Pick":         func() error { _, err := table.Pick(flow("10.96.0.10:80")); return err },
		"PickMany":     func() error { return table.PickMany(make([]Flow, 2), make([]Pick, 2)) },
		"Endpoints":    func() error { _, _, err := table.Endpoints(flow("10.96.0.10:80")); return err },
		"AffinityPick": func() error { _, err := affinity.Pick(table, flow("10.96.0.10:80"), 0); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, Closed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for addr := range ips.Held() {
		t.Error("holds", addr)
	}
}

// Close beside calls of other goroutines: each call works or says Closed.
func TestCloseBesideCalls(t *testing.T) {
	for range 20 {
		cluster := newCluster(t, shop)
		table := tableOf(t, cluster)
		var wait sync.WaitGroup
		for range 4 {
			wait.Add(1)
			go func() {
				defer wait.Done()
				for range 50 {
					if pick, err := table.Pick(flow("10.96.0.10:80")); err == nil && pick.Outcome != Backend {
						t.Error(pick)
					} else if err != nil && !errors.Is(err, Closed) {
						t.Error(err)
					}
				}
			}()
		}
		wait.Add(1)
		go func() {
			defer wait.Done()
			runtime.Gosched()
			_ = table.Close()
			_ = cluster.Close()
		}()
		wait.Wait()
	}
}

// A feeder and readers at once; what readers see is one state or another.
func TestReadersBesideAFeeder(t *testing.T) {
	cluster := newCluster(t, shop)
	var wait sync.WaitGroup
	for range 2 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for range 30 {
				table, err := cluster.Table()
				if err != nil {
					t.Error(err)
					return
				}
				pick, err := table.Pick(flow("10.96.0.10:80"))
				if err != nil || pick.Outcome != Backend {
					t.Error(pick, err)
				}
				_ = table.Close()
			}
		}()
	}
	for i := range 30 {
		_ = cluster.Delete("Pod", "shop", "a", 0)
		if _, err := cluster.Apply([]byte(pod("a", "10.244.0.1")), 0); err != nil {
			t.Error(i, err)
		}
	}
	wait.Wait()
}

// Values that nobody closes are freed all the same.
func TestForgottenValues(t *testing.T) {
	for range 50 {
		ips, err := NewClusterIPs(seed, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := ips.Add(netip.MustParsePrefix("10.96.0.0/16")); err != nil {
			t.Fatal(err)
		}
		if _, err := ips.Allocate(IPv4, 0); err != nil {
			t.Fatal(err)
		}
		runtime.GC()
	}
}
