package svckit

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"
)

var seed = Seed{1, 2, 3, 4}

func TestClusterIPs(t *testing.T) {
	tests := []struct {
		name, cidr string
		draws      int
		want       int
		err        error
	}{
		{"two left", "10.96.0.0/30", 2, 2, nil},
		{"none left", "10.96.0.0/30", 3, 2, Exhausted},
		{"other family", "fd00::/64", 1, 0, NotFound},
		{"too large", "fd00::/48", 0, 0, TooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ips, err := NewClusterIPs(seed, Quarantine)
			if err != nil {
				t.Fatal(err)
			}
			defer ips.Close()
			err = ips.Add(netip.MustParsePrefix(test.cidr))
			for range test.draws {
				if err == nil {
					_, err = ips.Allocate(IPv4, 0)
				}
			}
			if !errors.Is(err, test.err) {
				t.Errorf("came %v, wanted %v", err, test.err)
			}
			held := slices.Collect(ips.Held())
			if len(held) != test.want {
				t.Errorf("holds %v, wanted %d", held, test.want)
			}
		})
	}
}

func TestClusterIPsInTime(t *testing.T) {
	ips, _ := NewClusterIPs(seed, time.Minute)
	defer ips.Close()
	cidr, one := netip.MustParsePrefix("10.96.0.0/29"), netip.MustParseAddr("10.96.0.1")
	for _, err := range []error{ips.Add(cidr), ips.Reserve(one)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := ips.Reserve(one); !errors.Is(err, Taken) {
		t.Errorf("taken twice: %v", err)
	}
	if err := ips.Reserve(netip.MustParseAddr("10.97.0.1")); !errors.Is(err, OutOfRange) {
		t.Errorf("outside: %v", err)
	}
	if held, _ := ips.IsHeld(one); !held {
		t.Error("not held")
	}
	if err := errors.Join(ips.Drain(cidr)); err != nil {
		t.Error(err)
	}
	if err := ips.Remove(cidr); !errors.Is(err, InUse) {
		t.Errorf("removed in use: %v", err)
	}
	if held, err := ips.Release(one, time.Second); !held || err != nil {
		t.Error(held, err)
	}
	if held, err := ips.Cancel(one); held || err != nil {
		t.Error(held, err)
	}
	if err := ips.Remove(cidr); err != nil {
		t.Error(err)
	}
}

func TestRestore(t *testing.T) {
	some := func() *ClusterIPs {
		ips, _ := NewClusterIPs(seed, 0)
		if err := ips.Add(netip.MustParsePrefix("fd00::/64")); err != nil {
			t.Fatal(err)
		}
		return ips
	}
	from, to := some(), some()
	defer from.Close()
	defer to.Close()
	for range 200 {
		if _, err := from.Allocate(IPv6, 0); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{0, 200} {
		if refused, err := to.Restore(from.Held()); refused != want || err != nil {
			t.Errorf("refused %d (%v), wanted %d", refused, err, want)
		}
	}
	if !slices.Equal(slices.Sorted(seqOf(from)), slices.Sorted(seqOf(to))) {
		t.Error("the copy holds something else")
	}
}

func seqOf(ips *ClusterIPs) func(func(string) bool) {
	return func(yield func(string) bool) {
		for addr := range ips.Held() {
			if !yield(addr.String()) {
				return
			}
		}
	}
}

func TestNodePorts(t *testing.T) {
	if _, err := NewNodePorts("1-", seed, 0); !errors.Is(err, InvalidArgument) {
		t.Errorf("came %v", err)
	}
	ports, err := NewNodePorts("30000+1", seed, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer ports.Close()
	steps := []struct {
		name string
		err  error
		want error
	}{
		{"sctp", ports.Reserve(30000, SCTP), nil},
		{"others", ports.Reserve(30000, TCP|UDP), nil},
		{"again", ports.Reserve(30000, TCP), Taken},
		{"outside", ports.Reserve(30002, TCP), OutOfRange},
		{"no protocol", ports.Reserve(30001, 8), InvalidArgument},
	}
	for _, step := range steps {
		if !errors.Is(step.err, step.want) {
			t.Errorf("%s: came %v, wanted %v", step.name, step.err, step.want)
		}
	}
	if port, err := ports.Allocate(TCP|UDP, 0); port != 30001 || err != nil {
		t.Error(port, err)
	}
	for port, protocols := range ports.Held() {
		if held, err := ports.Holds(port); held != protocols || err != nil {
			t.Errorf("%d: %v, not %v (%v)", port, held, protocols, err)
		}
	}
	if refused, err := ports.Restore(ports.Held()); refused != 2 || err != nil {
		t.Error(refused, err)
	}
	if held, err := ports.Release(30000, TCP|SCTP, 0); held != TCP|SCTP || err != nil {
		t.Error(held, err)
	}
	if held, err := ports.Cancel(30000, TCP|UDP); held != UDP || err != nil {
		t.Error(held, err)
	}
}

func TestVersion(t *testing.T) {
	if Version() != "0.1.0" {
		t.Error(Version())
	}
}
