package svckit

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// benchServices is how many Services a table for benchmarks has, with one endpoint each.
const benchServices = 10_000

type mapKey struct {
	addr     netip.Addr
	port     uint16
	protocol Protocols
}

// large is a table of many Services, flows to them in random order, and the same as a map of Go's.
func large(b *testing.B) (*Table, []Flow, map[mapKey][]netip.AddrPort) {
	var objects strings.Builder
	plain := map[mapKey][]netip.AddrPort{}
	flows := make([]Flow, benchServices)
	for n := range benchServices {
		addr := netip.AddrFrom4([4]byte{10, 96, byte(n>>8) + 1, byte(n)})
		pod := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 244, byte(n >> 8), byte(n)}), 8080)
		fmt.Fprintf(&objects, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"s%d","namespace":"shop"},`+
			`"spec":{"clusterIP":%q,"ports":[{"port":80}]}}`, n, addr)
		fmt.Fprintf(&objects, `{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4",`+
			`"metadata":{"name":"s%d-1","namespace":"shop","labels":{"kubernetes.io/service-name":"s%d"}},`+
			`"ports":[{"name":"","port":8080}],"endpoints":[{"addresses":[%q]}]}`, n, n, pod.Addr())
		plain[mapKey{addr, 80, TCP}] = []netip.AddrPort{pod}
		flows[n] = flow(netip.AddrPortFrom(addr, 80).String())
	}
	rand.Shuffle(len(flows), func(i, j int) { flows[i], flows[j] = flows[j], flows[i] })
	return tableOf(b, newCluster(b, objects.String())), flows, plain
}

func BenchmarkPick(b *testing.B) {
	table, flows, plain := large(b)
	b.Run("map", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			f := &flows[i%len(flows)]
			endpoints := plain[mapKey{f.Destination.Addr(), f.Destination.Port(), f.Protocol}]
			if endpoint := endpoints[rand.IntN(len(endpoints))]; !endpoint.IsValid() {
				b.Fatal("not found")
			}
		}
	})
	b.Run("single", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if pick, err := table.Pick(flows[i%len(flows)]); pick.Outcome != Backend || err != nil {
				b.Fatal(pick, err)
			}
		}
	})
	for _, size := range []int{32, 64} {
		b.Run(fmt.Sprintf("batch-%d", size), func(b *testing.B) {
			picks := make([]Pick, size)
			at := 0
			for b.Loop() {
				if at += size; at+size > len(flows) {
					at = 0
				}
				if err := table.PickMany(flows[at:at+size], picks); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/pick")
		})
	}
}

func BenchmarkAnswer(b *testing.B) {
	zone, err := newCluster(b, shop).Zone()
	if err != nil {
		b.Fatal(err)
	}
	defer zone.Close()
	message, buf := question("web.shop.svc.cluster.local"), make([]byte, 512)
	b.ReportAllocs()
	for b.Loop() {
		if _, action, err := zone.Answer(message, Peer{}, buf); action != Send || err != nil {
			b.Fatal(action, err)
		}
	}
}

// A walk over addresses with a map, as simple allocators do, against ours: taking 4,000 of 4,094 addresses.
func BenchmarkAllocate(b *testing.B) {
	cidr := netip.MustParsePrefix("10.96.0.0/20")
	b.Run("map", func(b *testing.B) {
		for b.Loop() {
			held := map[netip.Addr]bool{}
			for range 4000 {
				n := rand.IntN(4094) + 1
				for {
					addr := netip.AddrFrom4([4]byte{10, 96, byte(n >> 8), byte(n)})
					if !held[addr] {
						held[addr] = true
						break
					}
					n = n%4094 + 1
				}
			}
		}
	})
	b.Run("svckit", func(b *testing.B) {
		for b.Loop() {
			ips, err := NewClusterIPs(seed, 0)
			if err != nil || ips.Add(cidr) != nil {
				b.Fatal(err)
			}
			for range 4000 {
				if _, err := ips.Allocate(IPv4, 0); err != nil {
					b.Fatal(err)
				}
			}
			_ = ips.Close()
		}
	})
}
