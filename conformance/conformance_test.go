package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/sioemit/sioemit/internal/driver"
	"github.com/sioemit/sioemit/internal/harness"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write cases/vectors.jsonl anew from the vectors of the official packages")

func TestMain(m *testing.M) {
	switch fault := os.Getenv("CONFORMANCE_FAULT"); {
	case strings.HasPrefix(fault, askFault):
		if err := (&brokenAsker{fault: fault}).drive(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case fault != "":
		os.Exit(brokenDriver(fault))
	}
	goleak.VerifyTestMain(m)
}

// TestVectorCases holds the committed cases to the vectors that they come from.
func TestVectorCases(t *testing.T) {
	want, err := vectorCases("../compat_test/vectors")
	if err != nil {
		t.Fatal(err)
	}
	const path = "cases/vectors.jsonl"
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the vectors say; go test ./conformance -run Vector -update writes it", path)
	}
}

// TestSchema holds every case to the schema, which people who write drivers and
// cases go by.
func TestSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("case.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("cases/*.jsonl")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d files of cases: %v", len(files), err)
	}
	for _, file := range append(files, "../docs/conformance.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(file) == ".md" {
			text = casesIn(text)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(lines.Bytes()))
			if err != nil {
				t.Fatalf("%s:%d: %v", file, n, err)
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s:%d: %v", file, n, err)
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, wrong := range []string{
		`{"id":"no group","call":["emit","e"],"want":{}}`,
		`{"id":"a/b","want":{}}`,
		`{"id":"a/b","call":["emit","e"],"want":{"error":"no such error"}}`,
		`{"id":"a/b","call":["emit","e"],"chain":[["two"]],"want":{}}`,
		`{"id":"a/b","call":["rooms"],"answers":[{"on":"c","json":{},"messagepack":{}}],"want":{}}`,
		`{"id":"a/b","sequence":[{"call":["confirm"]},{"call":["confirm"],"pipeline":[]}],"want":{}}`,
		`{"id":"a/b","call":["confirm"],"meanwhile":[{"behind":"ev"}],"want":{}}`,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(wrong))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("the schema takes %s", wrong)
		}
	}
}

// casesIn returns the cases that a page shows.
func casesIn(page []byte) (cases []byte) {
	for line := range bytes.Lines(page) {
		if bytes.HasPrefix(line, []byte(`{"id":"`)) {
			cases = append(cases, line...)
		}
	}
	return cases
}

// TestGo runs the whole suite against the Go library.
func TestGo(t *testing.T) {
	harness.NeedServers(t)
	var out bytes.Buffer
	if err := execute(t.Context(), []string{"-driver", "go/run"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Log(out.String())
	for _, want := range []string{"go go-redis: ", "go go-redis on a cluster: ", "go go-redis-autopipeline: "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output does not name %q", want)
		}
	}
}

// TestSDKs runs the whole suite against the emitters in other languages.
func TestSDKs(t *testing.T) {
	harness.NeedServers(t)
	sdks, err := driver.SDKs(t.Context(), "../sdk")
	if err != nil {
		t.Error(err)
	}
	for _, sdk := range sdks {
		t.Run(sdk.Name, func(t *testing.T) {
			t.Parallel() // some cases wait most of their time
			var out bytes.Buffer
			if err := execute(t.Context(), []string{"-driver", sdk.Program()}, &out); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			t.Log(out.String())
		})
	}
}

// TestBrokenDrivers has drivers with one fault each fail, and only at the cases
// that show it.
func TestBrokenDrivers(t *testing.T) {
	harness.NeedServers(t)
	t.Setenv("CONFORMANCE_DRIVER", buildGoDriver(t))
	for _, test := range []struct{ fault, cases, want string }{
		{"none", "target/*", "0 failed"},
		{"byte", "target/in is to", `"data":["ew"]`},
		{"except", "target/except in two calls", `"except":[]`},
		{"room", "target/rooms of two calls", `"rooms":["a"]`},
		{"namespace", "target/the last of two namespaces", `"socket.io#/#"`},
		{"swallow", "error/no right to publish, classic", "no error, instead of redis"},
		{"twice", "target/in is to", "2 commands instead of 1"},
		{"late", "target/*", "Redis got"}, // in its own case or in the next, as it comes
		{"silent", "target/in is to", "0 commands instead of 1"},
		{"binary", "target/binary on version 4 is packet type 2", `["ev","AQ=="]`},
		{"order", "pipeline/three events, in order", "command 1, word 2"},
		{"password", "error/no right to publish, classic", "holds the password"},
		{"password", "error/a password that Redis repeats, for an event", "holds the password"},
		{"end", "pipeline/an event behind its end", "no error, instead of pipeline-ended"},
		{"ids", "target/an id of servers that make their own left out on version 3", `error "except-room" instead of ""`},
		{"count", "servers/3", "result 4 instead of 3"},
		{"skip", "target/in is to", "not in left-out.jsonl"},
		{"feature", "pipeline/streams", "no feature pipeline"},
		{"wrong error", "error/empty event", `error "reserved-event" instead of "empty-event"`},
		{"refuses", "target/in is to", `error "redis" instead of ""`},
	} {
		t.Run(test.fault, func(t *testing.T) {
			t.Setenv("CONFORMANCE_FAULT", test.fault)
			var out bytes.Buffer
			err := execute(t.Context(), []string{"-driver", os.Args[0], "-variant", "go-redis-autopipeline", "-case", test.cases}, &out)
			if (err == nil) != (test.fault == "none") || !strings.Contains(out.String(), test.want) {
				t.Errorf("%v\n%s\nwant %q", err, &out, test.want)
			}
		})
	}
}

// TestDocs runs the commands of the page, each with a single case.
func TestDocs(t *testing.T) {
	harness.NeedServers(t)
	page, err := os.ReadFile("../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```sh\n")
	block, _, _ = strings.Cut(block, "```")
	lines := strings.Split(strings.TrimSpace(block), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d commands", len(lines))
	}
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " #")
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line+" -case 'target/in is to'")
		cmd.Dir = ".."
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "1 passed, 0 failed") {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
}

// TestLeftOut finds entries that leave nothing out.
func TestLeftOut(t *testing.T) {
	list, err := readLeftOut([]byte(`{"language":"go","case":"no such/*","why":"because"}`))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s := &suite{whole: true, leftOut: list, out: &out, languages: map[string]bool{"go": true}}
	if err := s.summary(); err == nil || !strings.Contains(out.String(), "no such/*") {
		t.Errorf("%v, %s", err, &out)
	}
	for _, wrong := range []string{`{}`, `{"language":"go","case":"x"}`, `{"language":"go","case":"x","feature":"y","why":"z"}`, `{"colour":"red"}`} {
		if _, err := readLeftOut([]byte(wrong)); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// TestScattered wants the commands for one channel at one node.
func TestScattered(t *testing.T) {
	command := func(channel, node string) *sentCommand {
		return &sentCommand{words: [][]byte{[]byte("PUBLISH"), []byte(channel)}, node: node}
	}
	for _, test := range []struct {
		sent []*sentCommand
		want int
	}{
		{nil, 0},
		{[]*sentCommand{command("a", "1"), command("b", "2"), command("a", "1")}, 0},
		{[]*sentCommand{command("a", "1"), command("b", "2"), command("a", "2")}, 1},
	} {
		if got := scattered(test.sent); len(got) != test.want {
			t.Errorf("%q", got)
		}
	}
}

// TestUsage refuses what cannot be run.
func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{},
		{"-driver", "go/run", "a word"},
		{"-driver", "go/run", "-case", "no such case"},
		{"-driver", "go/no such program"},
		{"-driver", "go/run", "-variant", "no such variant", "-case", "target/in is to"},
	} {
		var out bytes.Buffer
		if err := execute(t.Context(), args, &out); err == nil {
			t.Errorf("%q is taken: %s", args, &out)
		}
	}
}

// TestSame compares values as JavaScript does.
func TestSame(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true}, {`1`, `2`, false}, {`1`, `"1"`, false}, {`"a"`, `{"$binary":"YQ=="}`, false},
		{`{"$binary":"YQ=="}`, `{"$binary":"YQ=="}`, true}, {`{"$binary":"YQ=="}`, `{"$binary":"Yg=="}`, false},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, true}, {`{"a":1}`, `{"a":1,"b":2}`, false}, {`{"a":null}`, `{"b":null}`, false},
		{`[1,2]`, `[2,1]`, false}, {`[]`, `{}`, false}, {`[1]`, `[1,2]`, false}, {`null`, `false`, false}, {`true`, `true`, true}, {`0`, `null`, false},
	} {
		a, err := wantedValue([]byte(test.a))
		if err != nil {
			t.Fatal(err)
		}
		b, err := wantedValue([]byte(test.b))
		if err != nil {
			t.Fatal(err)
		}
		if same(a, b) != test.want || same(b, a) != test.want {
			t.Errorf("same(%s, %s) is %v", test.a, test.b, !test.want)
		}
	}
}

// TestForms tells payloads of one value apart by their form.
func TestForms(t *testing.T) {
	packed, text := "\x93\xa7emitter\x80\x80", `["emitter",{},{}]`
	for _, test := range []struct {
		word, sent string
		same       bool
	}{
		{`{"$value":["emitter",{},{}]}`, packed, true},
		{`{"$value":["emitter",{},{}]}`, text, false},
		{`{"$value":{"a":1}}`, `{"a":1}`, true},
		{`{"$value":{"a":1}}`, "\x81\xa1a\x01", false},
		{`{"$value":{"a":{"$binary":"AQ=="}}}`, "\x81\xa1a\xc4\x01\x01", true},
		{`{"$value":{"a":{"$binary":"AQ=="}}}`, "gaFhxAEB", true},
		{`{"$base64":"k6dlbWl0dGVygIA="}`, packed, true},
		{`{"$base64":"k6dlbWl0dGVygIA="}`, text, false},
		{`"{\"a\":1}"`, `{"a":1.0}`, true},
		{`"{\"a\":1}"`, "\x81\xa1a\x01", false},
	} {
		var w Word
		if err := w.UnmarshalJSON([]byte(test.word)); err != nil {
			t.Fatal(err)
		}
		if differs := w.differs([]byte(test.sent), true); (differs == "") != test.same {
			t.Errorf("%s, sent %q: %q", test.word, test.sent, differs)
		}
	}
}

// TestCases refuses files that would run something else than they say.
func TestCases(t *testing.T) {
	for _, text := range []string{
		"{\"id\":\"a/b\",\"want\":{}}\n{\"id\":\"a/b\",\"want\":{}}",
		`{"id":"a/b","wants":{}}`,
		`{"id":"a/b","want":{"commands":[["PUBLISH",{"$base46":"AQ=="}]]}}`,
		`no JSON`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "x.jsonl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readCases(os.DirFS(dir)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	if _, err := readCases(os.DirFS(t.TempDir())); err == nil {
		t.Error("an empty folder is taken")
	}
}
