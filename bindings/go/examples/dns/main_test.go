package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func objects(name, ip string) []byte {
	return fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Service","metadata":{"name":%q,"namespace":"shop"},`+
		`"spec":{"clusterIP":%q,"ports":[{"name":"http","port":80}]}}`, name, ip)
}

// Go's own resolver asks, over UDP and TCP, before and after a reload.
func TestResolver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "objects.json")
	if err := os.WriteFile(path, objects("web", "10.96.0.10"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	reload, ready, done := make(chan os.Signal), make(chan netip.AddrPort, 1), make(chan error, 1)
	go func() {
		done <- run(ctx, path, "127.0.0.1:0", reload, func(at netip.AddrPort) { ready <- at })
	}()
	at := (<-ready).String()
	resolvers := map[string]*net.Resolver{}
	for _, network := range []string{"udp", "tcp"} {
		resolvers[network] = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, at)
		}}
	}
	for network, resolver := range resolvers {
		if addrs, err := resolver.LookupHost(ctx, "web.shop.svc.cluster.local."); !slices.Equal(addrs, []string{"10.96.0.10"}) {
			t.Error(network, addrs, err)
		}
		if _, srvs, err := resolver.LookupSRV(ctx, "http", "tcp", "web.shop.svc.cluster.local."); len(srvs) != 1 || srvs[0].Port != 80 {
			t.Error(network, srvs, err)
		}
		if names, err := resolver.LookupAddr(ctx, "10.96.0.10"); !slices.Equal(names, []string{"web.shop.svc.cluster.local."}) {
			t.Error(network, names, err)
		}
		var missing *net.DNSError
		if _, err := resolver.LookupHost(ctx, "none.shop.svc.cluster.local."); err == nil {
			t.Error(network, "found what isn't there")
		} else if missing, _ = err.(*net.DNSError); missing == nil || !missing.IsNotFound {
			t.Error(network, err)
		}
	}
	if err := os.WriteFile(path, objects("cart", "10.96.0.20"), 0o600); err != nil {
		t.Fatal(err)
	}
	reload <- syscall.SIGHUP
	var addrs []string
	for addrs = nil; !slices.Equal(addrs, []string{"10.96.0.20"}) && ctx.Err() == nil; {
		addrs, _ = resolvers["udp"].LookupHost(ctx, "cart.shop.svc.cluster.local.")
	}
	if ctx.Err() != nil {
		t.Error("the reload was not seen:", addrs)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
