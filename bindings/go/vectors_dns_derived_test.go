package svckit

import (
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Rows that state what CoreDNS answers and what svckit does, in words.
//
// A question's cell may end in a condition ("(pods insecure)"), its type's cell too ("A, EDNS version 1"). A verdict is a
// response code, NODATA, or a record, perhaps with more words; what the words don't tell isn't compared.
func (d dnsRunner) derived(t *testing.T, row value, column int, mode string) {
	name, condition := splitCondition(row.at(0).str())
	kind, about := splitCondition(row.at(1).str())
	want := row.at(column).str()
	if want == "same" {
		want = row.at(2).str()
	}
	fixture := "serve"
	for _, words := range []string{condition, about} {
		if _, rest, ok := strings.Cut(words, "fixture "); ok {
			fixture, _, _ = strings.Cut(strings.ReplaceAll(rest, ",", " "), " ")
			break
		}
	}
	d.zone(t, d.fixture(t, fixture), d.derivedOptions(fixture, condition+", "+about), mode, name)
	question, udp := derivedQuestion(t, name, kind, about)
	came := d.derivedReply(t, question, udp, strings.ToLower(kind+", "+about))
	verdict(t, want, came, name)
}

// splitCondition is "text (words)" as text and words.
func splitCondition(cell string) (text, words string) {
	text, words, _ = strings.Cut(cell, "(")
	return strings.TrimSpace(text), strings.TrimRight(words, ")")
}

// derivedOptions are those of the group that the rows are about, with what a condition changes.
func (d dnsRunner) derivedOptions(fixture, words string) value {
	id := fixture
	if fixture == "serve" {
		id = "common"
	}
	options := object{"zones": []any{"cluster.local."}, "pods": "disabled", "ttl": 5.0}
	for _, group := range d.document.get("groups").list() {
		if group.text("id") == id && group.has("options") {
			options = maps.Clone(group.get("options").any.(object))
			break
		}
	}
	if fixture == "serve" {
		options["server_addresses"] = []any{"127.0.0.1"}
	}
	for _, pods := range []string{"disabled", "insecure", "verified"} {
		if strings.Contains(words, "pods "+pods) {
			// Pods live in a namespace of their own.
			options["pods"], options["namespaces"] = pods, []any{}
		}
	}
	if strings.Contains(words, "not synced") || strings.Contains(words, "unsynced") {
		options["synced"] = false
	}
	if strings.Contains(words, "ignore") && strings.Contains(words, "empty") {
		options["ignore_empty_service"] = true
	}
	if strings.Contains(words, "zonal") {
		options["zonal"] = true
	}
	return value{options}
}

func derivedQuestion(t *testing.T, name, kind, about string) (question []byte, udp bool) {
	all := strings.ToLower(kind + ", " + about)
	first, _, _ := strings.Cut(kind, ",")
	word, _, _ := strings.Cut(strings.TrimSpace(first), " ")
	qtype, ok := typeOf(word)
	if !ok {
		qtype = 1
	}
	question = asks(7, name, qtype)
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(all, word) })
	}
	for word, opcode := range map[string]byte{"opcode update": 5, "opcode status": 2, "opcode notify": 4} {
		if has(word) {
			question[2] = opcode << 3
		}
	}
	if has("class ch", "chaos") {
		question[len(question)-1] = 3
	}
	if has("qr=1", "qr 1") {
		question[2] = 0x80
	}
	if has("two questions", "qdcount 2", "qdcount=2") {
		question[5] = 2
	}
	if has("no question", "qdcount 0", "qdcount=0") {
		question[5] = 0
	}
	if _, rest, ok := strings.Cut(all, "edns version "); ok {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		version, err := strconv.ParseUint(digits, 10, 8)
		if err != nil {
			t.Fatal("which version of EDNS: ", kind)
		}
		question[11] = 1
		question = append(question, 0, 0, 41, 4, 208, 0, byte(version), 0, 0, 0, 0)
	}
	return question, has("udp")
}

// derivedReply is nil when nothing was answered.
func (d dnsRunner) derivedReply(t *testing.T, question []byte, udp bool, words string) *message {
	q := asked{Call: "answer", Message: hex.EncodeToString(question), UDP: udp}
	came := d.must(t, q)
	if Action(came.Action) == Upstream {
		target := d.must(t, asked{Call: "target", Message: q.Message}).Target
		rcode := "NOERROR"
		if strings.Contains(words, "nxdomain") {
			rcode = "NXDOMAIN"
		}
		if !strings.Contains(words, "upstream") || rcode == "NXDOMAIN" {
			said := upstream(t, value{object{"rcode": rcode}}, target, typeAsked(question))
			q.Upstream = &said
		}
		q.Call = "complete"
		came = d.must(t, q)
	}
	if Action(came.Action) == Drop {
		return nil
	}
	m := decoded(t, came)
	return &m
}

func verdict(t *testing.T, want string, came *message, name string) {
	words := strings.FieldsFunc(want, func(r rune) bool { return r == ' ' || r == ',' })
	if came == nil {
		if !strings.Contains(want, "drop") && !strings.Contains(want, "no reply") && !strings.Contains(want, "ignored") {
			t.Errorf("wanted %s, came nothing", want)
		}
		return
	}
	var holds bool
	switch words[0] {
	case "NODATA":
		soa := len(came.authority) == 1 && came.authority[0].rtype == typeNames["SOA"]
		holds = came.rcode == "NOERROR" && len(came.answer) == 0 && soa
	case "NXDOMAIN", "NOERROR", "SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "BADVERS":
		holds = came.rcode == words[0]
	default:
		rtype, ok := typeOf(words[0])
		if !ok {
			t.Fatalf("what does %q mean?", want)
		}
		holds = came.rcode == "NOERROR" && states(came.answer, rtype, words[1:], name)
	}
	alias := func(r record) bool { return r.rtype == typeNames["CNAME"] }
	holds = holds && (!strings.Contains(want, "with the CNAME") || slices.ContainsFunc(came.answer, alias))
	if holds = holds && (!strings.Contains(want, "alone") || len(came.answer) == 1); !holds {
		t.Errorf("wanted %s, came %+v", want, came)
	}
}

// states is whether one of the records of a type says the words.
func states(answer []record, rtype uint16, words []string, name string) bool {
	var told []string
	for _, word := range words {
		if slices.Contains([]string{"plus", "and", "then", "with", "too"}, word) || strings.HasPrefix(word, "(") {
			break
		}
		if word == "itself" {
			word = name
		}
		told = append(told, strings.TrimRight(word, "."))
	}
	return slices.ContainsFunc(answer, func(r record) bool {
		if r.rtype != rtype {
			return false
		}
		data := strings.Fields(r.data)
		for i, word := range told {
			if strings.ContainsAny(word, "<…") {
				return true
			}
			if i < len(data) && !strings.EqualFold(word, strings.TrimRight(data[i], ".")) {
				return false
			}
		}
		return true
	})
}
