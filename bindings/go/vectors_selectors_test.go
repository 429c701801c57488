package svckit

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func runSelectors(t *testing.T, f face, document value) {
	s := selectorRunner{f}
	sections := map[string]func(*testing.T, value){
		"parse": s.parse, "ownParse": s.parse, "match": s.match, "ownMatch": s.match,
		"lexToken": s.firstToken, "lexSequence": s.tokens, "parseOperator": s.operator,
		"matchesNothing": s.nothing, "matchSet": s.matchSet, "matchRequirements": s.matchSet,
		"requirement": s.requirement, "toString": s.printed, "add": s.add, "safeSort": s.sorted,
		"setSelectorString": s.setPrinted, "requiresExactMatch": s.exact, "validatedSet": s.validatedSet,
		"requirementEqual": s.equal, "labelSetString": s.labelsPrinted, "labelHas": s.labelHas,
		"labelConflicts": s.conflicts, "labelMerge": s.merge, "convertSelectorToLabelsMap": s.parseLabels,
		"labelSelectorAsSelector": s.labelSelector, "labelSelectorAsMap": s.asMap,
		"labelSelectorValidation": s.labelSelectorErrors, "labelsValidation": s.labelErrors,
	}
	for section, cases := range document.fields() {
		if cases.list() == nil || len(cases.list()) == 0 {
			continue
		}
		run, ok := sections[section]
		if !ok {
			t.Errorf("there is no section %s", section)
			continue
		}
		for n, c := range cases.list() {
			t.Run(fmt.Sprintf("%s/%d", section, n), func(t *testing.T) { run(t, c) })
		}
	}
}

type selectorRunner struct{ face }

func (s selectorRunner) selector(t *testing.T, asked object) value {
	t.Helper()
	return inquire(t, s, "selector", asked)
}

// same fails when two values differ, as JSON has them.
func same(t *testing.T, what string, came, want any) {
	t.Helper()
	if a, b := parse(t, written(came)), parse(t, written(want)); !reflect.DeepEqual(a, b) {
		t.Errorf("%s: came %s, wanted %s", what, written(came), written(want))
	}
}

// requirements are the requirements under a key, values in order, as an answer has them.
func requirements(v value) []object {
	all := []object{}
	for _, each := range v.list() {
		all = append(all, requirementOf(each))
	}
	return all
}

func requirementOf(v value) object {
	values := slices.Clone(v.get("values").texts())
	slices.Sort(values)
	operator := v.text("operator")
	if operator == "" {
		operator = "Never"
	}
	return object{"key": v.text("key"), "operator": operator, "values": append([]string{}, values...)}
}

// A text is read, or refused; what was read is as expected, and prints and reads back as itself.
func (s selectorRunner) parse(t *testing.T, c value) {
	text := c.text("selector")
	came := s.selector(t, object{"selector": text, "compat": true})
	read := len(came.get("errors").list()) == 0
	if read != c.is("valid") {
		t.Fatalf("came %s", came.raw())
	}
	// The face that programs use, which refuses the NUL bytes that the reference takes for an end.
	direct := s.ask(asked{Call: "question", Form: "selector", Input: written(object{"selector": text})})
	strict := len(parse(t, direct.Answer).get("errors").list()) == 0
	if strict != (read && !strings.ContainsRune(text, 0)) {
		t.Errorf("strict: %s", direct.Answer)
	}
	if !read {
		return
	}
	if c.has("requirements") {
		same(t, "requirements", came.get("requirements").any, requirements(c.get("requirements")))
	}
	if c.has("canonical") {
		same(t, "text", came.get("text").any, c.text("canonical"))
	}
	again := s.selector(t, object{"selector": came.text("text")})
	same(t, "read again", again.get("requirements").any, came.get("requirements").any)
}

func (s selectorRunner) match(t *testing.T, c value) {
	came := s.selector(t, object{"selector": c.text("selector"), "labels": c.get("labels").any, "compat": true})
	same(t, "matches", came.get("matches").any, c.is("match"))
}

func (s selectorRunner) matchSet(t *testing.T, c value) {
	came := s.selector(t, object{"labels": c.get("labels").any, "set": c.get("set").any, "requirements": c.get("requirements").any})
	same(t, "matches", came.get("matches").any, c.is("match"))
}

func (s selectorRunner) firstToken(t *testing.T, c value) {
	token := inquire(t, s, "selector-tokens", object{"text": c.text("input")}).get("tokens").at(0)
	kind := token.text("kind")
	if token.any == nil {
		kind = "EndOfString"
	}
	same(t, "token", []string{kind, token.text("text")}, []string{c.text("token"), c.text("literal")})
}

func (s selectorRunner) tokens(t *testing.T, c value) {
	came := []string{}
	for _, token := range inquire(t, s, "selector-tokens", object{"text": c.text("input")}).get("tokens").list() {
		came = append(came, token.text("kind"))
	}
	wanted := slices.DeleteFunc(append([]string{}, c.get("tokens").texts()...), func(name string) bool { return name == "EndOfString" })
	same(t, "tokens", came, wanted)
}

func (s selectorRunner) operator(t *testing.T, c value) {
	came := inquire(t, s, "selector-tokens", object{"text": c.text("input")})
	same(t, "operator", came.get("operator").any, c.is("accepted"))
}

// The selector is given as a text, as a map, as requirements, or as one of the two words.
func (s selectorRunner) nothing(t *testing.T, c value) {
	question := object{}
	switch {
	case c.is("nothing"):
		question["labelSelector"] = nil
	case c.is("everything"):
		question["selector"] = ""
	case c.has("set"):
		question["set"] = c.get("set").any
	case c.has("requirements"):
		question["requirements"] = c.get("requirements").any
	default:
		question["selector"], question["compat"] = c.text("selector"), true
	}
	same(t, "nothing", s.selector(t, question).get("nothing").any, c.is("matchesNothing"))
}

// refused compares errors with valid and with errors: their kinds and places, or how many there are.
func refused(t *testing.T, c value, errs []value) {
	t.Helper()
	if c.has("valid") && c.is("valid") != (len(errs) == 0) {
		t.Errorf("came %v", errs)
	}
	if !c.has("errors") {
		return
	}
	if count, ok := c.get("errors").number(); ok {
		same(t, "errors", len(errs), int(count))
		return
	}
	came, wanted := []string{}, []string{}
	for _, each := range errs {
		came = append(came, each.text("kind")+" "+each.text("path"))
	}
	for _, each := range c.get("errors").list() {
		wanted = append(wanted, each.text("type")+" "+each.text("field"))
	}
	slices.Sort(came)
	slices.Sort(wanted)
	same(t, "errors", came, wanted)
}

func (s selectorRunner) requirement(t *testing.T, c value) {
	came := inquire(t, s, "requirement", object{
		"key": c.text("key"), "operator": c.text("operator"), "values": append([]string{}, c.get("values").texts()...),
	})
	refused(t, c, came.get("errors").list())
}

func (s selectorRunner) printed(t *testing.T, c value) {
	var texts []string
	for _, each := range c.get("requirements").list() {
		texts = append(texts, inquire(t, s, "requirement", requirementOf(each)).text("text"))
	}
	same(t, "text", strings.Join(texts, ","), c.text("text"))
}

func (s selectorRunner) add(t *testing.T, c value) {
	added := requirements(c.get("add"))
	if len(added) == 0 {
		added = []object{requirementOf(c.get("add"))}
	}
	came := s.selector(t, object{"requirements": requirements(c.get("start")), "add": added})
	same(t, "requirements", came.get("requirements").any, requirements(c.get("result")))
}

func (s selectorRunner) sorted(t *testing.T, c value) {
	came := inquire(t, s, "requirement", object{"key": "key", "operator": "In", "values": c.get("in").any})
	same(t, "values", came.get("values").any, c.get("out").any)
}

func (s selectorRunner) setPrinted(t *testing.T, c value) {
	same(t, "text", s.selector(t, object{"set": c.get("set").any}).get("text").any, c.text("text"))
}

func (s selectorRunner) exact(t *testing.T, c value) {
	came := s.selector(t, object{"requirements": requirements(c.get("requirements")), "exact": c.text("label")}).get("exact")
	same(t, "found", came.any != nil, c.is("found"))
	if c.has("value") {
		same(t, "value", came.str(), c.text("value"))
	}
}

func (s selectorRunner) validatedSet(t *testing.T, c value) {
	came := s.selector(t, object{"set": c.get("set").any, "checked": true})
	refused(t, c, came.get("errors").list())
	if c.has("requirements") {
		same(t, "requirements", came.get("requirements").any, requirements(c.get("requirements")))
	}
	for _, key := range []string{"canonical", "text"} {
		if c.has(key) {
			same(t, key, came.text("text"), c.text(key))
		}
	}
}

func (s selectorRunner) equal(t *testing.T, c value) {
	question := requirementOf(c.get("x"))
	question["with"] = requirementOf(c.get("y"))
	same(t, "equal", inquire(t, s, "requirement", question).get("equal").any, c.is("equal"))
}

func (s selectorRunner) labelsPrinted(t *testing.T, c value) {
	same(t, "text", inquire(t, s, "labels", object{"labels": c.get("set").any}).get("text").any, c.text("text"))
}

func (s selectorRunner) labelHas(t *testing.T, c value) {
	question := object{
		"requirements": []object{{"key": c.text("key"), "operator": "Exists", "values": []string{}}}, "labels": c.get("labels").any,
	}
	same(t, "has", s.selector(t, question).get("matches").any, c.is("has"))
}

func (s selectorRunner) conflicts(t *testing.T, c value) {
	came := inquire(t, s, "labels", object{"labels": c.get("a").any, "other": c.get("b").any})
	same(t, "conflict", came.get("conflicts").any, c.is("conflict"))
}

func (s selectorRunner) merge(t *testing.T, c value) {
	came := inquire(t, s, "labels", object{"labels": c.get("a").any, "other": c.get("b").any})
	same(t, "merged", came.get("merged").any, c.get("merged").any)
}

func (s selectorRunner) parseLabels(t *testing.T, c value) {
	came := inquire(t, s, "labels-parse", object{"text": c.text("selector")}).get("labels")
	same(t, "valid", came.any != nil, c.is("valid"))
	if c.get("labels").any != nil && c.is("valid") {
		same(t, "labels", came.any, c.get("labels").any)
	}
}

func (s selectorRunner) labelSelector(t *testing.T, c value) {
	came := s.selector(t, object{"labelSelector": c.get("labelSelector").any})
	valid := len(came.get("errors").list()) == 0
	same(t, "valid", valid, c.is("valid"))
	if !valid {
		return
	}
	if c.has("canonical") {
		same(t, "text", came.text("text"), c.text("canonical"))
	}
	if selects := c.text("selects"); selects != "" {
		same(t, selects, came.get(selects).any, true)
	}
}

// The map as far as it goes; none at all for null.
func (s selectorRunner) asMap(t *testing.T, c value) {
	came := inquire(t, s, "label-selector", object{"labelSelector": c.get("labelSelector").any})
	same(t, "valid", came.get("valid").any, c.is("valid"))
	if c.get("map").any != nil {
		same(t, "map", came.get("map").any, c.get("map").any)
	}
}

func (s selectorRunner) labelSelectorErrors(t *testing.T, c value) {
	came := inquire(t, s, "label-selector", object{"labelSelector": c.get("labelSelector").any})
	same(t, "errors", len(came.get("errors").list()), c.int("errors"))
}

// How much is wrong with a map of labels, and whether with its keys or its values.
func (s selectorRunner) labelErrors(t *testing.T, c value) {
	came := inquire(t, s, "labels", object{"labels": c.get("labels").any}).get("errors")
	keys, values := came.int("keys"), came.int("values")
	same(t, "errors", keys+values, c.int("errors"))
	switch c.text("culprit") {
	case "key":
		same(t, "culprit", []bool{keys > 0, values > 0}, []bool{true, false})
	case "value":
		same(t, "culprit", []bool{keys > 0, values > 0}, []bool{false, true})
	}
}
