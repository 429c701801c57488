package svckit

import (
	"encoding/hex"
	"fmt"
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
