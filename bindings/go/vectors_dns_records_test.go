package svckit

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

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
