package svckit

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// Groups and transfers are facts about CoreDNS, so they run in its mode; rows of source_derived run in both.
func runDNS(t *testing.T, f face, document value) {
	d := dnsRunner{f, document}
	for _, group := range document.get("groups").list() {
		t.Run(group.text("id"), func(t *testing.T) {
			d.group(t, group, group, "")
			if other := group.get("also_run_with"); other.any != nil {
				d.group(t, group, other, " again")
			}
		})
	}
	for _, transfer := range document.get("transfers").list() {
		t.Run(transfer.text("id"), func(t *testing.T) { d.transfer(t, transfer) })
	}
	tables := map[string]func(*testing.T, value, value){
		"parse_names": d.parseNames, "endpoint_label": d.endpointLabel, "nameserver_addresses": d.nameservers,
		"namespace_exposure": d.exposure, "serial_bumps": d.serialBumps, "records_that_fit": d.fits,
		"legacy_record_labels": d.legacyLabels,
	}
	for name, table := range document.get("tables").fields() {
		t.Run(name, func(t *testing.T) {
			switch row, ok := tables[name]; {
			case name == "resolv_conf":
				d.resolvConf(t, table)
			case name == "autopath":
				d.autopath(t, table)
			case !ok:
				t.Error("unknown table")
			default:
				for n, each := range table.get("rows").list() {
					t.Run(fmt.Sprint(n), func(t *testing.T) { row(t, table, each) })
				}
			}
		})
	}
	for n, row := range document.get("source_derived").get("rows").list() {
		for column, mode := range map[int]string{2: "coredns", 3: "strict"} {
			t.Run(fmt.Sprintf("source_derived/%d/%s", n, mode), func(t *testing.T) { d.derived(t, row, column, mode) })
		}
	}
}

type dnsRunner struct {
	face
	document value
}

func (d dnsRunner) fixture(t *testing.T, name string) value {
	t.Helper()
	fixture := d.document.get("fixtures").get(name)
	if fixture.any == nil {
		t.Fatalf("no fixture %q", name)
	}
	return fixture
}

// must fails when a call does.
func (d dnsRunner) must(t *testing.T, q asked) told {
	t.Helper()
	came := d.ask(q)
	if came.Status != 0 {
		t.Fatalf("%s: %+v", q.Call, came)
	}
	return came
}

// dnsOptions are options in the vectors' words as the library has them.
func dnsOptions(t *testing.T, fixture, options value, mode string) object {
	words := map[string]string{
		"zones": "zones", "multicluster_zones": "multiclusterZones", "external_zones": "externalZones",
		"fallthrough": "fallthrough", "namespaces": "namespaces", "server_addresses": "serverAddresses", "ttl": "ttl",
		"negative_ttl": "negativeTTL", "udp_ceiling": "udpCeiling", "pods": "pods",
		"ignore_empty_service": "ignoreEmptyService", "endpoint_pod_names": "endpointPodNames", "zonal": "zonal",
		"headless": "externalHeadless", "apex_label": "apexLabel", "autopath": "autopath",
	}
	settings := object{"mode": mode}
	if own := append(fixture.get("server_addresses").texts(), fixture.get("nameserver_addresses").texts()...); own != nil {
		settings["serverAddresses"] = own
	}
	for key, given := range options.fields() {
		if key == "synced" {
			continue
		}
		word, ok := words[key]
		if !ok {
			t.Fatalf("unknown option %q", key)
		}
		settings[word] = given.any
	}
	return settings
}

// namespaces that exist: those of objects, and those that questions may mean, less those said to be missing.
func namespaces(fixture value, names []string) []string {
	var all []string
	for _, kind := range []string{"services", "service_imports", "endpoint_slices", "pods"} {
		for _, each := range fixture.get(kind).list() {
			all = append(all, each.text("namespace"))
		}
	}
	if fixture.has("namespaces") {
		for _, name := range names {
			all = append(all, strings.Split(name, ".")...)
		}
	}
	missing := fixture.get("namespaces").get("missing").texts()
	for i := range all {
		all[i] = strings.ToLower(all[i])
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return name == "" || slices.Contains(missing, name) })
}

// zone makes the names that options and a fixture make, and takes their zone. Names are those that questions will have:
// a fixture in which every namespace exists needs to know which.
func (d dnsRunner) zone(t *testing.T, fixture, options value, mode string, names ...string) {
	t.Helper()
	var objects []object
	for _, namespace := range namespaces(fixture, names) {
		objects = append(objects, object{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": namespace}})
	}
	for _, service := range fixture.get("services").list() {
		objects = append(objects, dnsService(service))
	}
	for _, given := range fixture.get("service_imports").list() {
		objects = append(objects, object{
			"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceImport", "metadata": metadata(given, "name"),
			"spec": object{"type": given.text("type"), "ips": given.get("ips").any, "ports": dnsPorts(given)},
		})
	}
	for _, slice := range fixture.get("endpoint_slices").list() {
		objects = append(objects, dnsSlices(slice)...)
	}
	for _, pod := range fixture.get("pods").list() {
		objects = append(objects, dnsPod(pod))
	}
	d.must(t, asked{Call: "names", Settings: written(dnsOptions(t, fixture, options, mode)), Objects: listOf(objects)})
	if synced, ok := options.get("synced").any.(bool); !ok || synced {
		d.must(t, asked{Call: "names-sync"})
	}
	if serial := fixture.int("serial"); serial != 0 {
		d.must(t, asked{Call: "names-serial", Serial: uint32(serial)})
	}
	d.must(t, asked{Call: "zone"})
}

func metadata(given value, name string) object {
	return object{"name": given.text(name), "namespace": given.text("namespace")}
}

func dnsPorts(given value) []object {
	ports := []object{}
	for _, port := range given.get("ports").list() {
		protocol := port.text("protocol")
		if protocol == "" {
			protocol = "TCP"
		}
		ports = append(ports, object{"name": port.text("name"), "protocol": protocol, "port": port.int("port")})
	}
	return ports
}

func dnsService(given value) object {
	var external []string
	var hostnames []object
	for _, each := range given.get("external_ips").texts() {
		if _, err := netip.ParseAddr(each); err == nil {
			external = append(external, each)
		} else {
			hostnames = append(hostnames, object{"hostname": each})
		}
	}
	spec := object{"ports": dnsPorts(given), "externalIPs": external}
	ips := given.get("cluster_ips").texts()
	switch {
	case given.text("type") == "ExternalName":
		spec["type"], spec["externalName"] = "ExternalName", given.text("external_name")
	case len(ips) > 0 && ips[0] == "None":
		spec["clusterIP"], spec["clusterIPs"], spec["ipFamilies"] = "None", []string{"None"}, []string{"IPv4", "IPv6"}
	case len(ips) > 0:
		spec["type"], spec["clusterIP"], spec["clusterIPs"] = "LoadBalancer", ips[0], ips
	}
	return object{
		"apiVersion": "v1", "kind": "Service", "metadata": metadata(given, "name"), "spec": spec,
		"status": object{"loadBalancer": object{"ingress": hostnames}},
	}
}

// dnsSlices are a slice of a fixture, one for each family.
func dnsSlices(given value) []object {
	var all []object
	for _, family := range []string{"IPv4", "IPv6"} {
		endpoints := []object{}
		for _, e := range given.get("endpoints").list() {
			if netip.MustParseAddr(e.text("ip")).Is4() == (family == "IPv4") {
				endpoints = append(endpoints, dnsEndpoint(e))
			}
		}
		labels := object{"kubernetes.io/service-name": given.text("service")}
		if cluster := given.text("source_cluster"); cluster != "" {
			labels = object{
				"multicluster.kubernetes.io/service-name": given.text("service"), "multicluster.kubernetes.io/source-cluster": cluster,
			}
		}
		meta := metadata(given, "slice")
		meta["name"], meta["labels"] = given.text("slice")+"-"+strings.ToLower(family), labels
		all = append(all, object{
			"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family, "metadata": meta,
			"ports": dnsPorts(given), "endpoints": endpoints,
		})
	}
	return all
}

func dnsEndpoint(e value) object {
	is := func(key string, other bool) bool {
		if e.has(key) {
			return e.is(key)
		}
		return other
	}
	ready := is("ready", true)
	endpoint := object{
		"addresses":  []string{e.text("ip")},
		"conditions": object{"ready": ready, "serving": is("serving", ready), "terminating": is("terminating", false)},
	}
	for word, key := range map[string]string{"hostname": "hostname", "nodeName": "node", "zone": "zone"} {
		if text := e.text(key); text != "" {
			endpoint[word] = text
		}
	}
	if pod := e.text("pod_name"); pod != "" {
		endpoint["targetRef"] = object{"kind": "Pod", "name": pod}
	}
	return endpoint
}

func dnsPod(given value) object {
	ips := given.get("ips").texts()
	if ip := given.text("ip"); ip != "" {
		ips = append([]string{ip}, ips...)
	}
	var listed []object
	for _, ip := range ips {
		listed = append(listed, object{"ip": ip})
	}
	status := object{"phase": "Running", "podIPs": listed}
	if len(ips) > 0 {
		status["podIP"] = ips[0]
	}
	return object{"apiVersion": "v1", "kind": "Pod", "metadata": metadata(given, "name"), "status": status}
}

// upstream is somebody else's reply as a case states it.
func upstream(t *testing.T, given value, target string, qtype uint16) string {
	t.Helper()
	wire := asks(1, target, qtype)
	wire[2], wire[3] = 0x81, 0x80
	if given.is("truncated") {
		wire[2] = 0x83
	}
	if rcode := given.text("rcode"); rcode != "" {
		wire[3] |= byte(slices.Index(rcodes, rcode))
	}
	for _, each := range given.get("answer").list() {
		wire[7]++
		rtype, _ := typeOf(each.text("type"))
		var data []byte
		switch each.text("type") {
		case "A", "AAAA":
			data = netip.MustParseAddr(each.text("data")).AsSlice()
		case "CNAME":
			data = wireName(each.text("data"))
		default:
			t.Fatal("an upstream can't answer", each.text("type"))
		}
		ttl := each.int("ttl")
		wire = append(wire, wireName(each.text("name"))...)
		wire = append(wire, byte(rtype>>8), byte(rtype), 0, 1, byte(ttl>>24), byte(ttl>>16), byte(ttl>>8), byte(ttl))
		wire = append(append(wire, byte(len(data)>>8), byte(len(data))), data...)
	}
	return hex.EncodeToString(wire)
}

// reply asks over TCP, and completes with what an upstream is said to answer: nothing, unless told otherwise.
func (d dnsRunner) reply(t *testing.T, question []byte, given value) message {
	t.Helper()
	q := asked{Call: "answer", Message: hex.EncodeToString(question)}
	came := d.must(t, q)
	if Action(came.Action) == Upstream {
		target := d.must(t, asked{Call: "target", Message: q.Message}).Target
		said := upstream(t, given, target, typeAsked(question))
		q.Call, q.Upstream = "complete", &said
		came = d.must(t, q)
	}
	return decoded(t, came)
}

// typeAsked is the type that a message asks for.
func typeAsked(question []byte) uint16 {
	r := &reader{wire: question, at: 12}
	r.name()
	return r.u16()
}

func decoded(t *testing.T, came told) message {
	t.Helper()
	wire, _ := hex.DecodeString(came.Reply)
	m, err := decode(wire)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (d dnsRunner) group(t *testing.T, group, source value, suffix string) {
	for _, c := range group.get("cases").list() {
		t.Run(c.text("id")+suffix, func(t *testing.T) {
			fixture := d.fixture(t, source.text("fixture"))
			query := c.get("query")
			qtype, ok := typeOf(query.text("type"))
			if !ok {
				t.Fatalf("no type in %s", query.raw())
			}
			question := asks(0x1d0, query.text("name"), qtype)
			question[3] |= 0x10
			var came message
			if fixture.has("records") {
				d.skydns(t, fixture, source.get("options"))
				came = decoded(t, d.must(t, asked{Call: "skydns-answer", Message: hex.EncodeToString(question)}))
			} else {
				d.zone(t, fixture, source.get("options"), "coredns", query.text("name"))
				came = d.reply(t, question, c.get("upstream"))
			}
			checkReply(t, c, came, group)
		})
	}
}

func (d dnsRunner) skydns(t *testing.T, fixture, options value) {
	words := map[string]string{
		"zones": "zones", "path_prefix": "prefix", "default_ttl": "ttl", "default_priority": "priority", "negative_ttl": "negativeTTL",
	}
	settings := object{"mode": "coredns"}
	for key, given := range options.fields() {
		word, ok := words[key]
		if !ok {
			t.Fatalf("unknown option %q", key)
		}
		settings[word] = given.any
	}
	d.must(t, asked{Call: "skydns", Settings: written(settings)})
	for _, record := range fixture.get("records").list() {
		d.must(t, asked{
			Call: "skydns-put", Name: record.text("etcd_key"), Object: record.get("value").raw(), Lease: uint32(record.int("lease_ttl")),
		})
	}
	d.must(t, asked{Call: "skydns-sync"})
}

func checkReply(t *testing.T, c value, came message, rules value) {
	t.Helper()
	if came.rcode != c.text("rcode") {
		t.Fatalf("came %s, wanted %s", came.rcode, c.text("rcode"))
	}
	flags := [6]bool{came.qr, came.aa, came.ra, came.rd, came.cd, came.tc}
	if wanted := [6]bool{true, true, false, true, true, c.is("tc")}; flags != wanted {
		t.Errorf("qr, aa, ra, rd, cd, tc: came %v, wanted %v", flags, wanted)
	}
	checkRecords(t, "answer", c.get("answer"), came.answer, rules)
	checkRecords(t, "authority", c.get("authority"), came.authority, rules)
	checkRecords(t, "additional", c.get("additional"), came.additional, rules)
	if rules.is("cname_order") {
		for i, each := range came.answer {
			before := func(r record) bool { return r.owner == each.data }
			if each.rtype == typeNames["CNAME"] && slices.ContainsFunc(came.answer[:i], before) {
				t.Errorf("%s stands before the alias that leads there", each.data)
			}
		}
	}
}

// line is a record as one line, less what is compared apart.
type line struct {
	text        string
	ttl, serial int
}

func lineOf(owner, rtype, data string, ttl, serial int, rules value) line {
	text := owner + " " + rtype + " " + data
	if rules.text("compare_case") != "exact" {
		text = strings.ToLower(text)
	}
	return line{text, ttl, serial}
}

// expectedLine is a record as a case has it; -1 stands for what isn't compared.
func expectedLine(r, rules value) line {
	data := r.get("data")
	shown, serial := data.str(), -1
	switch r.text("type") {
	case "SRV":
		shown = fmt.Sprintf("%d %d %d %s", data.int("priority"), data.int("weight"), data.int("port"), absolute(data.text("target")))
	case "MX":
		shown = fmt.Sprintf("%d %s", data.int("preference"), absolute(data.text("exchange")))
	case "SOA":
		shown = fmt.Sprintf("%s (%d, %d, %d, %d)", absolute(data.text("mname")), data.int("refresh"), data.int("retry"),
			data.int("expire"), data.int("minimum"))
		if rules.is("check_soa_serial") && data.has("serial") {
			serial = data.int("serial")
		}
	case "CNAME", "NS", "PTR":
		shown = absolute(shown)
	case "A", "AAAA":
		shown = netip.MustParseAddr(shown).String()
	}
	ttl := -1
	if n, ok := r.get("ttl").number(); ok {
		ttl = int(n)
	}
	return lineOf(absolute(r.text("name")), r.text("type"), shown, ttl, serial, rules)
}

// checkRecords compares a section with exactly the expected records.
func checkRecords(t *testing.T, section string, wanted value, came []record, rules value) {
	t.Helper()
	var want, have []line
	for _, each := range wanted.list() {
		want = append(want, expectedLine(each, rules))
	}
	for _, each := range came {
		have = append(have, lineOf(each.owner, typeName(each.rtype), each.data, int(each.ttl), int(each.serial), rules))
	}
	if !rules.is("ordered") {
		order := func(a, b line) int { return strings.Compare(a.text, b.text) }
		slices.SortStableFunc(want, order)
		slices.SortStableFunc(have, order)
	}
	equal := func(a, b line) bool {
		return a.text == b.text && (a.ttl < 0 || a.ttl == b.ttl) && (a.serial < 0 || a.serial == b.serial)
	}
	if !slices.EqualFunc(want, have, equal) {
		t.Errorf("%s: came %v, wanted %v", section, have, want)
	}
}

func (d dnsRunner) transfer(t *testing.T, transfer value) {
	all := d.document.get("transfers").list()
	base := transfer
	if other := transfer.text("same_as"); other != "" {
		at := slices.IndexFunc(all, func(each value) bool { return each.text("id") == other })
		if at < 0 {
			t.Fatalf("no transfer %q", other)
		}
		base = all[at]
	}
	// What a transfer leaves out is as in the first one.
	first := all[0]
	fixture := cmpOr(base.text("fixture"), first.text("fixture"))
	options := maps.Clone(first.get("options").any.(object))
	if own, ok := base.get("options").any.(object); ok {
		maps.Copy(options, own)
	}
	d.zone(t, d.fixture(t, fixture), value{options}, "coredns")
	zone := absolute(base.text("zone"))
	// A transfer without serial is an AXFR, as is one from serial zero.
	question := asks(7, zone, typeNames["AXFR"])
	if serial := transfer.int("client_serial"); serial != 0 {
		question = asks(7, zone, typeNames["IXFR"])
		question[9] = 1
		soa := append(wireName("."), wireName(".")...)
		soa = append(soa, byte(serial>>24), byte(serial>>16), byte(serial>>8), byte(serial))
		soa = append(soa, make([]byte, 16)...)
		question = append(append(question, wireName(zone)...), 0, 6, 0, 1, 0, 0, 0, 0, 0, byte(len(soa)))
		question = append(question, soa...)
	}
	came := d.ask(asked{Call: "transfer", Message: hex.EncodeToString(question)})
	prose := cmpOr(base.text("records"), base.text("expect"))
	if prose == "not authoritative" {
		same(t, "status", came.Status, NotFound)
		return
	}
	if came.Status != 0 {
		t.Fatal(came.Status)
	}
	records := transferred(t, came.Reply)
	if prose != "" {
		transferSaid(t, prose, zone, records)
		return
	}
	rules := object{"check_soa_serial": true}
	for key, given := range base.fields() {
		if key == "ordered" || key == "compare_case" {
			rules[key] = given.any
		}
	}
	checkRecords(t, "records", base.get("records"), records, value{rules})
}

// transferred are the records of all messages of a transfer.
func transferred(t *testing.T, digits string) []record {
	wire, _ := hex.DecodeString(digits)
	var all []record
	for len(wire) > 2 {
		length := int(wire[0])<<8 | int(wire[1])
		m, err := decode(wire[2 : 2+length])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m.answer...)
		wire = wire[2+length:]
	}
	return all
}

func transferSaid(t *testing.T, prose, zone string, records []record) {
	count := func(rtype, owner string) (n int) {
		for _, each := range records {
			if each.rtype == typeNames[rtype] && (owner == "" || each.owner == owner) {
				n++
			}
		}
		return n
	}
	soa := func(r record) bool { return r.rtype == typeNames["SOA"] && r.owner == zone }
	for clause := range strings.SplitSeq(prose, ";") {
		clause = strings.TrimSpace(clause)
		var holds bool
		switch clause {
		case "exactly one SOA":
			holds = len(records) == 1 && soa(records[0])
		case "starts and ends with SOA":
			holds = len(records) > 1 && soa(records[0]) && soa(records[len(records)-1])
		case "one NS record":
			holds = count("NS", "") == 1
		case "one A and one AAAA for ns.dns.cluster.local.":
			holds = count("A", "ns.dns."+zone) == 1 && count("AAAA", "ns.dns."+zone) == 1
		default:
			t.Fatalf("what does %q mean?", clause)
		}
		if !holds {
			t.Errorf("expected: %s; came %v", clause, records)
		}
	}
}

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
