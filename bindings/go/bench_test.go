package svckit

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// benchServices is how many Services tables for benchmarks have, with one endpoint each.
var benchServices = []int{1_000, 10_000, 100_000}

type mapKey struct {
	addr     netip.Addr
	port     uint16
	protocol Protocols
}

// v4Key is the smallest key that a map of Go's can have for the same.
type v4Key struct {
	addr     uint32
	port     uint16
	protocol Protocols
}

// cluster is a table of many Services, flows to them in random order, and the same as maps of Go's.
type cluster struct {
	table *Table
	flows []Flow
	maps  map[mapKey][]netip.AddrPort
	v4    map[v4Key][]netip.AddrPort
}

func large(b *testing.B, services int) *cluster {
	var objects strings.Builder
	made := &cluster{flows: make([]Flow, services), maps: map[mapKey][]netip.AddrPort{}, v4: map[v4Key][]netip.AddrPort{}}
	for n := range services {
		octets := [4]byte{10, 97 + byte(n>>16), byte(n >> 8), byte(n)}
		addr := netip.AddrFrom4(octets)
		pod := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 244 + byte(n>>16), byte(n >> 8), byte(n)}), 8080)
		fmt.Fprintf(&objects, `{"apiVersion":"v1","kind":"Service","metadata":{"name":"s%d","namespace":"shop"},`+
			`"spec":{"clusterIP":%q,"ports":[{"port":80}]}}`, n, addr)
		fmt.Fprintf(&objects, `{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4",`+
			`"metadata":{"name":"s%d-1","namespace":"shop","labels":{"kubernetes.io/service-name":"s%d"}},`+
			`"ports":[{"name":"","port":8080}],"endpoints":[{"addresses":[%q]}]}`, n, n, pod.Addr())
		made.maps[mapKey{addr, 80, TCP}] = []netip.AddrPort{pod}
		made.v4[v4Key{binary.BigEndian.Uint32(octets[:]), 80, TCP}] = []netip.AddrPort{pod}
		made.flows[n] = flow(netip.AddrPortFrom(addr, 80).String())
	}
	rand.Shuffle(len(made.flows), func(i, j int) { made.flows[i], made.flows[j] = made.flows[j], made.flows[i] })
	made.table = tableOf(b, newCluster(b, objects.String()))
	return made
}

// A look-up and a random endpoint, as a proxy in Go would have it, against ours; all flows once in each round.
func BenchmarkPick(b *testing.B) {
	for _, services := range benchServices {
		b.Run(fmt.Sprint(services), func(b *testing.B) { picks(b, large(b, services)) })
	}
}

func picks(b *testing.B, made *cluster) {
	each := func(name string, round func(b *testing.B)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				round(b)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(made.flows)), "ns/pick")
		})
	}
	each("map, netip", func(b *testing.B) {
		for i := range made.flows {
			f := &made.flows[i]
			endpoints := made.maps[mapKey{f.Destination.Addr(), f.Destination.Port(), f.Protocol}]
			if endpoint := endpoints[rand.IntN(len(endpoints))]; !endpoint.IsValid() {
				b.Fatal("not found")
			}
		}
	})
	keys := make([]v4Key, len(made.flows))
	packed := make([]PackedFlow, len(made.flows))
	for i := range made.flows {
		octets := made.flows[i].Destination.Addr().As4()
		keys[i] = v4Key{binary.BigEndian.Uint32(octets[:]), 80, TCP}
		packed[i] = made.flows[i].Packed()
	}
	each("map, packed", func(b *testing.B) {
		for _, key := range keys {
			endpoints := made.v4[key]
			if endpoint := endpoints[rand.IntN(len(endpoints))]; !endpoint.IsValid() {
				b.Fatal("not found")
			}
		}
	})
	each("single", func(b *testing.B) {
		for i := range made.flows {
			if pick, err := made.table.Pick(made.flows[i]); pick.Outcome != Backend || err != nil {
				b.Fatal(pick, err)
			}
		}
	})
	for _, size := range []int{32, 64} {
		picks, out := make([]Pick, size), make([]PackedPick, size)
		each(fmt.Sprintf("batch of %d", size), func(b *testing.B) {
			for at := 0; at+size <= len(made.flows); at += size {
				if err := made.table.PickMany(made.flows[at:at+size], picks); err != nil || picks[0].Outcome != Backend {
					b.Fatal(err)
				}
			}
		})
		each(fmt.Sprintf("batch of %d, packed", size), func(b *testing.B) {
			for at := 0; at+size <= len(packed); at += size {
				if err := made.table.PickPacked(packed[at:at+size], out); err != nil || out[0].Outcome != Backend {
					b.Fatal(err)
				}
			}
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

// Drawing an address from a range that is as full as it says, and giving it back: a bitmap in a big.Int that is walked
// from a random place, as Kubernetes has it, against ours.
func BenchmarkAllocate(b *testing.B) {
	const size = 1<<16 - 2
	for _, full := range []float64{0.5, 0.99, 0.9999} {
		held := int(full * size)
		b.Run(fmt.Sprintf("big.Int/%g", full), func(b *testing.B) {
			bitmap := new(big.Int)
			for _, n := range rand.Perm(size)[:held] {
				bitmap.SetBit(bitmap, n, 1)
			}
			for b.Loop() {
				n := rand.IntN(size)
				for bitmap.Bit(n) != 0 {
					n = (n + 1) % size
				}
				bitmap.SetBit(bitmap, n, 1)
				bitmap.SetBit(bitmap, n, 0)
			}
		})
		b.Run(fmt.Sprintf("svckit/%g", full), func(b *testing.B) {
			ips, err := NewClusterIPs(seed, 0)
			if err != nil || ips.Add(netip.MustParsePrefix("10.96.0.0/16")) != nil {
				b.Fatal(err)
			}
			defer ips.Close()
			for range held {
				if _, err := ips.Allocate(IPv4, 0); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				address, err := ips.Allocate(IPv4, 0)
				if err == nil {
					_, err = ips.Cancel(address)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
