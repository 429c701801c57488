package svckit

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// face is one of the library's faces, as far as vectors need it: one question at a time, one answer. What was made last
// (a cluster, names, Gateways) is what later questions are about.
type face interface {
	ask(asked) told
}

// asked is a question to a face. Each call uses some of the fields; JSON goes in as it is.
type asked struct {
	Call string `json:"call"`
	// Texts, and their forms.
	Form  string `json:"form,omitempty"`
	Value string `json:"value,omitempty"`
	Gates string `json:"gates,omitempty"`
	// JSON.
	Object   json.RawMessage `json:"object,omitempty"`
	Old      json.RawMessage `json:"old,omitempty"`
	Input    json.RawMessage `json:"input,omitempty"`
	Settings json.RawMessage `json:"settings,omitempty"`
	Objects  json.RawMessage `json:"objects,omitempty"`
	// A flow.
	Source   string `json:"source,omitempty"`
	Address  string `json:"address,omitempty"`
	Port     uint16 `json:"port,omitempty"`
	Protocol uint8  `json:"protocol,omitempty"`
	// A request.
	Method     string      `json:"method,omitempty"`
	Target     string      `json:"target,omitempty"`
	Hosts      []string    `json:"hosts,omitempty"`
	Headers    [][2]string `json:"headers,omitempty"`
	Namespace  string      `json:"namespace,omitempty"`
	Name       string      `json:"name,omitempty"`
	ServerName string      `json:"serverName,omitempty"`
	// A DNS message, and what somebody else said; both in hexadecimal digits.
	Message  string   `json:"message,omitempty"`
	Upstream *string  `json:"upstream,omitempty"`
	Replies  []string `json:"replies,omitempty"`
	UDP      bool     `json:"udp,omitempty"`
	Client   string   `json:"client,omitempty"`
	// Numbers.
	Lease  uint32 `json:"lease,omitempty"`
	Serial uint32 `json:"serial,omitempty"`
	Cap    int    `json:"cap,omitempty"`
}

// told is what a face answers.
type told struct {
	Status   Status          `json:"status"`
	Findings []toldFinding   `json:"findings"`
	Answer   json.RawMessage `json:"answer"`
	// Figures of a range, by name.
	Numbers   map[string]uint64 `json:"numbers"`
	Addresses map[string]string `json:"addresses"`
	// What becomes of a flow.
	Verdict     int      `json:"verdict"`
	Masquerades bool     `json:"masquerades"`
	Endpoints   []string `json:"endpoints"`
	// What is to be done with a request.
	Action  int          `json:"action"`
	Code    int          `json:"code"`
	Text    string       `json:"text"`
	Service string       `json:"service"`
	Host    string       `json:"host"`
	Changes []toldChange `json:"changes"`
	// A DNS message in hexadecimal digits.
	Reply  string   `json:"reply"`
	Target string   `json:"target"`
	Counts []uint32 `json:"counts"`
}

type toldFinding struct {
	Kind    int    `json:"kind"`
	Path    string `json:"path"`
	Refused bool   `json:"refused"`
}

type toldChange struct {
	Name      string `json:"name"`
	Value     string `json:"value"`
	Operation int    `json:"operation"`
	Response  bool   `json:"response"`
}

// kinds are the kinds of vector files, and who runs them. A runner turns cases into questions and compares the answers;
// none of them knows which face it talks to.
var kinds = map[string]func(*testing.T, face, value){
	"allocator-bands":     runAllocatorBands,
	"dns":                 runDNS,
	"gateway-httproute":   runGateway,
	"ingress-conformance": runIngressConformance,
	"ingress-paths":       runIngressPaths,
	"ip-families":         runFamilies,
	"other-validation":    runOtherValidation,
	"packet-flow":         runPacketFlow,
	"selectors":           runSelectors,
	"service-validation":  runServiceValidation,
	"syntax":              runSyntax,
	"topology":            runTopology,
}

// Every file of vectors/, or of the folder that $SVCKIT_VECTORS names, through the Go face and through the C face.
func TestVectors(t *testing.T) {
	folder := os.Getenv("SVCKIT_VECTORS")
	if folder == "" {
		folder = filepath.Join("..", "..", "vectors")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors in", folder, err)
	}
	faces := []struct {
		name string
		face face
	}{{"Go", new(goFace)}, {"C", newCFace(t)}}
	for _, each := range faces {
		for _, file := range files {
			t.Run(each.name+"/"+strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				document := parse(t, text)
				run, ok := kinds[document.text("kind")]
				if !ok {
					t.Fatalf("unknown kind %q", document.text("kind"))
				}
				run(t, each.face, document)
			})
		}
	}
}

// value is a piece of JSON; what isn't there is null.
type value struct{ any }

func parse(t *testing.T, text []byte) value {
	t.Helper()
	var v value
	if err := json.Unmarshal(text, &v.any); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v value) get(key string) value {
	fields, _ := v.any.(map[string]any)
	return value{fields[key]}
}

func (v value) has(key string) bool {
	fields, _ := v.any.(map[string]any)
	_, ok := fields[key]
	return ok
}

func (v value) list() []value {
	items, _ := v.any.([]any)
	list := make([]value, len(items))
	for i, item := range items {
		list[i] = value{item}
	}
	return list
}

func (v value) at(i int) value {
	if list := v.list(); i < len(list) {
		return list[i]
	}
	return value{}
}

// fields are those of an object, in no order.
func (v value) fields() map[string]value {
	fields, _ := v.any.(map[string]any)
	all := make(map[string]value, len(fields))
	for key, field := range fields {
		all[key] = value{field}
	}
	return all
}

func (v value) str() string             { s, _ := v.any.(string); return s }
func (v value) text(key string) string  { return v.get(key).str() }
func (v value) is(key string) bool      { b, _ := v.get(key).any.(bool); return b }
func (v value) number() (float64, bool) { n, ok := v.any.(float64); return n, ok }
func (v value) int(key string) int      { n, _ := v.get(key).number(); return int(n) }

func (v value) texts() []string {
	var all []string
	for _, each := range v.list() {
		all = append(all, each.str())
	}
	return all
}

// raw is the value as JSON again; nothing when it isn't there.
func (v value) raw() json.RawMessage {
	if v.any == nil {
		return nil
	}
	return written(v.any)
}

// written is a value as JSON.
func written(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// object is a JSON object that a runner puts together.
type object = map[string]any

// listOf is a List of objects.
func listOf(items []object) json.RawMessage {
	return written(object{"kind": "List", "apiVersion": "v1", "items": items})
}

// question asks one of the questions that need no handle.
func inquire(t *testing.T, f face, question string, input any) value {
	t.Helper()
	told := f.ask(asked{Call: "question", Form: question, Input: written(input)})
	if told.Status != 0 {
		t.Fatalf("%s %s: %v", question, written(input), told.Status)
	}
	return parse(t, told.Answer)
}
