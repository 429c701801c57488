package svckit

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func (d dnsRunner) parseNames(t *testing.T, _, row value) {
	words := row.at(1).str()
	came := inquire(t, d, "dns-shape", object{
		"name": row.at(0).str(), "multicluster": strings.Contains(words, "multicluster"), "zonal": strings.Contains(words, "zonal"),
	})
	if row.at(2).str() == "invalid" {
		same(t, "shape", came.any, nil)
		return
	}
	same(t, "shape", came.any, row.at(2).any)
}

func (d dnsRunner) endpointLabel(t *testing.T, _, row value) {
	names, _ := row.at(3).any.(bool)
	came := inquire(t, d, "dns-endpoint-label", object{
		"ip": row.at(0).str(), "hostname": row.at(1).str(), "pod": row.at(2).str(), "podNames": names,
	})
	same(t, "label", came.text("label"), row.at(4).str())
}

func (d dnsRunner) legacyLabels(t *testing.T, _, row value) {
	came := inquire(t, d, "dns-etcd-labels", object{"ip": row.at(0).str()})
	same(t, "labels", []string{came.text("kube2sky"), came.text("kubeDNS")}, []string{row.at(1).str(), row.at(2).str()})
}

func (d dnsRunner) nameservers(t *testing.T, table, row value) {
	// A copy of its own, because a row may change it.
	fixture := parse(t, d.fixture(t, table.text("fixture")).raw())
	if change := row.text("change"); change != "" {
		name, address, ok := strings.Cut(change, " gets external IP ")
		if !ok {
			t.Fatalf("unknown change %q", change)
		}
		for _, service := range fixture.get("services").list() {
			if service.text("name") == name {
				service.any.(object)["external_ips"] = []any{address}
			}
		}
	}
	options := object{"zones": []any{row.text("zone")}}
	if row.is("external") {
		options = object{"external_zones": []any{row.text("zone")}, "headless": row.is("headless")}
	}
	d.zone(t, fixture, value{options}, "coredns")
	came := parse(t, d.must(t, asked{Call: "nameservers", Name: row.text("zone")}).Answer)
	lines := func(v value) []string {
		all := []string{}
		for _, each := range v.list() {
			all = append(all, strings.Join(each.texts(), " "))
		}
		slices.Sort(all)
		return all
	}
	same(t, "nameservers", lines(came), lines(row.get("expect")))
}

func (d dnsRunner) exposure(t *testing.T, table, row value) {
	name := row.at(1).str() + ".svc.cluster.local."
	options := object{"zones": []any{"cluster.local."}, "namespaces": row.at(0).any}
	d.zone(t, d.fixture(t, table.text("fixture")), value{options}, "coredns", name)
	exposed, _ := row.at(4).any.(bool)
	same(t, "exposed", d.reply(t, asks(1, name, 1), value{}).rcode == "NOERROR", exposed)
}

// serialBumps: which serials a change moves.
func (d dnsRunner) serialBumps(t *testing.T, _, row value) {
	options := object{
		"zones": []any{"cluster.local."}, "external_zones": []any{"example.com."}, "pods": "verified", "zonal": true, "headless": true,
	}
	d.zone(t, value{object{}}, value{options}, "coredns")
	own := object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": "shop"}}
	before, after := serialSteps(t, row.at(0).str(), row.at(1).str())
	d.must(t, asked{Call: "names-apply", Objects: listOf(append([]object{own}, before...))})
	old := d.must(t, asked{Call: "zone"}).Counts
	if after == nil {
		d.must(t, asked{Call: "names-delete", Form: "Service", Namespace: "shop", Name: "cart"})
	} else {
		d.must(t, asked{Call: "names-apply", Objects: listOf(after)})
	}
	now := d.must(t, asked{Call: "zone"}).Counts
	inside, _ := row.at(2).any.(bool)
	outside, _ := row.at(3).any.(bool)
	same(t, "serials", []bool{old[0] != now[0], old[1] != now[1]}, []bool{inside, outside})
}

// serialSteps are what stood there before a change that a row tells in words, and the change; nil when the Service goes.
func serialSteps(t *testing.T, kind, change string) (before, after []object) {
	port := map[string]any{"name": "http", "protocol": "TCP", "port": 80.0}
	service := func(fields object) []object {
		all := object{
			"namespace": "shop", "name": "cart", "type": "ClusterIP", "cluster_ips": []any{"10.0.0.1"}, "ports": []any{port},
		}
		maps.Copy(all, fields)
		return []object{dnsService(value{all})}
	}
	shown := func(address string) []object { return service(object{"external_ips": []any{address}}) }
	ports := func(all ...any) []object { return service(object{"external_ips": []any{"1.2.3.4"}, "ports": all}) }
	alias := func(target string) []object {
		return service(object{"type": "ExternalName", "external_name": target, "cluster_ips": []any{}})
	}
	pod := func(ip string) []object {
		return []object{dnsPod(value{object{"namespace": "shop", "name": "cart-0", "ip": ip}})}
	}
	slice := func(zone string) []object {
		return dnsSlices(value{object{
			"namespace": "shop", "slice": "cart-1", "service": "cart", "ports": []any{port},
			"endpoints": []any{object{"ip": "10.1.0.1", "ready": true, "zone": zone}},
		}})
	}
	switch kind + " " + change {
	case "Service added without external IPs":
		return nil, service(nil)
	case "Service deleted without external IPs":
		return service(nil), nil
	case "Service added with external IPs":
		return nil, shown("1.2.3.4")
	case "Service deleted with external IPs":
		return shown("1.2.3.4"), nil
	case "Service external IP replaced":
		return shown("1.2.3.4"), shown("1.2.3.5")
	case "Service externalName replaced":
		return alias("a.test"), alias("b.test")
	case "Service port renamed":
		return shown("1.2.3.4"), ports(object{"name": "web", "protocol": "TCP", "port": 80.0})
	case "Service port added":
		return shown("1.2.3.4"), ports(port, object{"name": "admin", "protocol": "TCP", "port": 81.0})
	case "Pod new resourceVersion, same IP":
		return pod("10.1.0.1"), pod("10.1.0.1")
	case "Pod IP assigned":
		return pod(""), pod("10.1.0.1")
	case "Pod IP changed":
		return pod("10.1.0.1"), pod("10.1.0.2")
	case "EndpointSlice topology zone of an endpoint changed (zonal on)":
		return append(service(nil), slice("zone-a")...), slice("zone-b")
	}
	t.Fatalf("unknown change of a %s: %q", kind, change)
	return nil, nil
}

// fits: how many addresses a reply of some size holds.
func (d dnsRunner) fits(t *testing.T, _, row value) {
	labels := strings.Split(row.text("name"), ".")
	limit := row.int("limit")
	for qtype, key := range map[uint16]string{1: "max_a", 28: "max_aaaa"} {
		if !row.has(key) {
			continue
		}
		var endpoints []any
		for n := range 600 {
			ip := fmt.Sprintf("10.1.%d.%d", n/256, n%256)
			if qtype == 28 {
				ip = fmt.Sprintf("fd00::%x", n)
			}
			endpoints = append(endpoints, object{"ip": ip})
		}
		cluster := object{
			"services": []any{object{
				"namespace": labels[1], "name": labels[0], "type": "ClusterIP", "cluster_ips": []any{"None"}, "ports": []any{},
			}},
			"endpoint_slices": []any{object{
				"namespace": labels[1], "service": labels[0], "slice": "s", "endpoints": endpoints, "ports": []any{},
			}},
		}
		d.zone(t, value{cluster}, value{object{"zones": []any{"cluster.local."}, "udp_ceiling": limit}}, "coredns")
		question := asks(1, row.text("name"), qtype)
		if row.is("edns") {
			question = append(question, 0, 0, 41, byte(limit>>8), byte(limit), 0, 0, 0, 0, 0, 0)
			question[11] = 1
		}
		came := decoded(t, d.must(t, asked{Call: "answer", Message: hex.EncodeToString(question), UDP: true}))
		count := 0
		for _, each := range came.answer {
			if each.rtype == qtype {
				count++
			}
		}
		same(t, key, []any{count, came.tc}, []any{row.int(key), true})
	}
}

func (d dnsRunner) resolvConf(t *testing.T, table value) {
	for n, row := range table.get("policy").list() {
		t.Run(fmt.Sprintf("policy/%d", n), func(t *testing.T) {
			host, _ := row.at(1).any.(bool)
			came := inquire(t, d, "resolv-conf", object{"policy": row.at(0).str(), "hostNetwork": host})
			same(t, "base", came.text("base"), row.at(2).str())
		})
	}
	for n, row := range table.get("parse").list() {
		t.Run(fmt.Sprintf("parse/%d", n), func(t *testing.T) {
			came := inquire(t, d, "resolv-conf", object{"text": row.at(0).str()})
			if row.at(1).str() == "error" {
				same(t, "conf", came.any, nil)
				return
			}
			for i, part := range []string{"nameservers", "searches", "options"} {
				same(t, part, append([]string{}, came.get(part).texts()...), append([]string{}, row.at(i+1).texts()...))
			}
		})
	}
	for n, row := range table.get("merge_options").list() {
		t.Run(fmt.Sprintf("merge_options/%d", n), func(t *testing.T) {
			conf := func(i int) object { return object{"options": append([]string{}, row.at(i).texts()...)} }
			came := inquire(t, d, "resolv-conf", object{"conf": conf(0), "merge": conf(1)})
			same(t, "options", slices.Sorted(slices.Values(came.get("options").texts())), slices.Sorted(slices.Values(row.at(2).texts())))
		})
	}
	for name, limit := range table.get("limits").fields() {
		n, _ := limit.number()
		t.Run("limits/"+name, func(t *testing.T) { d.holdsLimit(t, name, int(n)) })
	}
}

// holdsLimit: exactly so many fit.
func (d dnsRunner) holdsLimit(t *testing.T, name string, value int) {
	limits := "now"
	if strings.HasPrefix(name, "legacy") {
		limits = "legacy"
	}
	searches := func(lengths ...int) object {
		var domains []string
		for _, length := range lengths {
			domains = append(domains, strings.Repeat("a", length))
		}
		return object{"searches": domains}
	}
	ones := func(n int) []int { return slices.Repeat([]int{1}, n) }
	servers := func(n int) object { return object{"nameservers": slices.Repeat([]string{"192.0.2.1"}, n)} }
	var most, more object
	switch strings.TrimPrefix(name, "legacy_") {
	case "nameservers":
		most, more = servers(value), servers(value+1)
	case "search_paths":
		most, more = searches(ones(value)...), searches(ones(value+1)...)
	case "one_search_domain_chars":
		most, more = searches(value), searches(value+1)
	case "search_chars":
		// Domains of 127 octets and a space each, and the rest in one more.
		full := slices.Repeat([]int{127}, (value-1)/128)
		rest := value - len(full)*128
		most, more = searches(append(slices.Clone(full), rest)...), searches(append(slices.Clone(full), rest+1)...)
	default:
		t.Fatalf("unknown limit %q", name)
	}
	cut := func(conf object) bool {
		return inquire(t, d, "resolv-conf", object{"conf": conf, "limit": limits}).is("cut")
	}
	same(t, "cut", []bool{cut(most), cut(more)}, []bool{false, true})
}

// autopath: walks along search lists; a row says only what differs from those before it.
func (d dnsRunner) autopath(t *testing.T, table value) {
	var search, known value
	for n, row := range table.get("rows").list() {
		if row.has("search") {
			search = row.get("search")
		}
		if row.has("known") {
			known = row.get("known")
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			switch {
			case row.has("cluster"):
				for m, inner := range row.get("rows").list() {
					t.Run(fmt.Sprint(m), func(t *testing.T) { d.inCluster(t, inner) })
				}
			case row.has("in_first"):
				for name, want := range row.get("in_first").fields() {
					walk := inquire(t, d, "dns-walk", object{"name": name, "search": []string{row.text("first_search"), ""}})
					same(t, name, walk.any != nil, want.any)
				}
			default:
				d.walked(t, search, known, row)
			}
		})
	}
}

// said is what a row says of a name, as a message: a verdict, or an address with its TTL; nothing of other names.
func said(t *testing.T, words, name string) string {
	parts := strings.Fields(words)
	if len(parts) != 4 || parts[0] != "A" || parts[2] != "ttl" {
		return upstream(t, value{object{"rcode": words}}, name, 1)
	}
	var ttl float64
	_ = json.Unmarshal([]byte(parts[3]), &ttl)
	return upstream(t, value{object{"answer": []any{object{"name": name, "type": "A", "data": parts[1], "ttl": ttl}}}}, name, 1)
}

func (d dnsRunner) walked(t *testing.T, search, known, row value) {
	answers := map[string]string{}
	for name, words := range known.fields() {
		if strings.HasSuffix(name, ".") {
			answers[name] = said(t, words.str(), name)
		}
	}
	asked := row.get("query").at(0).str()
	walk := inquire(t, d, "dns-walk", object{"name": asked, "search": search.any, "answers": answers})
	if walk.any == nil {
		// Not a search: the question is answered as it is.
		walk = inquire(t, d, "dns-walk", object{"name": asked, "search": []string{asked}, "answers": answers})
	}
	if !row.has("expect_ordered") {
		same(t, "found", walk.is("found"), false)
		return
	}
	same(t, "answer", walk.get("answer").any, row.get("expect_ordered").any)
}

// inCluster is a question of a pod in test-1, beside one Service there and one name of somebody else's.
func (d dnsRunner) inCluster(t *testing.T, row value) {
	fixture := object{
		"services": []any{object{
			"namespace": "test-1", "name": "svc-1-a", "type": "ClusterIP", "cluster_ips": []any{"10.96.0.100"}, "ports": []any{},
		}},
		"pods": []any{object{"namespace": "test-1", "name": "client", "ip": "10.244.0.7"}},
	}
	options := object{"zones": []any{"cluster.local."}, "pods": "verified", "autopath": true}
	d.zone(t, value{fixture}, value{options}, "coredns")
	q := asked{Call: "continue", Message: hex.EncodeToString(asks(1, row.at(0).str(), 1)), Client: "10.244.0.7"}
	came := d.must(t, q)
	for Action(came.Action) == Upstream {
		target := absolute(came.Target)
		given := object{"rcode": "NXDOMAIN"}
		if target == "foo.example.net." {
			given = object{"answer": []any{object{"name": target, "type": "A", "ttl": 5.0, "data": "10.10.10.11"}}}
		}
		if q.Replies = append(q.Replies, upstream(t, value{given}, target, uint16(came.Code))); len(q.Replies) > 20 {
			t.Fatal("a walk without an end")
		}
		came = d.must(t, q)
	}
	records := [][]string{}
	for _, each := range decoded(t, came).answer {
		records = append(records, []string{each.owner, typeName(each.rtype), each.data})
	}
	same(t, "answer", records, row.at(1).any)
}
