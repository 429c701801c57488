package svckit

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
)

// vectors reads one of the repository's vector files.
func vectors(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(name, err)
	}
}

func TestAllocatorBands(t *testing.T) {
	var file struct {
		ClusterIP []struct {
			CIDR                 string
			Usable, Offset       uint64
			Network, First, Last netip.Addr
			Broadcast            *netip.Addr
			Static, Dynamic      []netip.Addr
		}
		NodePort []struct {
			Range, Static, Dynamic []uint16
			Size, Offset           uint32
		}
	}
	vectors(t, "allocator-bands.json", &file)
	if len(file.ClusterIP) == 0 || len(file.NodePort) == 0 {
		t.Fatal("no cases")
	}
	ends := func(list []netip.Addr) [2]netip.Addr {
		if len(list) < 2 {
			return [2]netip.Addr{}
		}
		return [2]netip.Addr(list)
	}
	for _, c := range file.ClusterIP {
		t.Run(c.CIDR, func(t *testing.T) {
			r, err := ParseAddressRange(c.CIDR, true)
			if err != nil {
				t.Fatal(err)
			}
			first, last := r.DynamicFirst, r.DynamicLast
			if r.StaticLen > 0 {
				first = r.StaticFirst
			}
			if r.Usable != c.Usable || r.StaticLen != c.Offset || r.Network != c.Network ||
				first != c.First || last != c.Last ||
				[2]netip.Addr{r.StaticFirst, r.StaticLast} != ends(c.Static) ||
				[2]netip.Addr{r.DynamicFirst, r.DynamicLast} != ends(c.Dynamic) ||
				(c.Broadcast != nil && r.Broadcast != *c.Broadcast) {
				t.Errorf("came %+v, wanted %+v", r, c)
			}
		})
	}
	ports := func(list []uint16) [2]uint16 {
		if len(list) < 2 {
			return [2]uint16{}
		}
		return [2]uint16(list)
	}
	for _, c := range file.NodePort {
		text := rangeText(c.Range)
		t.Run(text, func(t *testing.T) {
			r, err := ParsePortRange(text)
			if err != nil {
				t.Fatal(err)
			}
			if r.Size != c.Size || r.StaticLen != c.Offset ||
				[2]uint16{r.First, r.Last} != ports(c.Range) ||
				[2]uint16{r.StaticFirst, r.StaticLast} != ports(c.Static) ||
				[2]uint16{r.DynamicFirst, r.DynamicLast} != ports(c.Dynamic) {
				t.Errorf("came %+v, wanted %+v", r, c)
			}
		})
	}
}

func rangeText(ends []uint16) string {
	return fmt.Sprintf("%d-%d", ends[0], ends[1])
}
