package main

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
)

func TestArrange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"", ""},
		{"emit hello", "emit -- hello"},
		{"emit hello --room r1 x", "emit --room=r1 -- hello x"},
		{"emit -r r1 --to r2 -room r3 hello", "emit --room=r1 --room=r2 --room=r3 -- hello"},
		{"emit --room=a=b hello", "emit --room=a=b -- hello"},
		{"emit --room -x hello", "emit --room=-x -- hello"},
		{"emit --room -- hello", "emit --room=-- -- hello"},
		{"emit hello -5 -1.5e3 - -0", "emit -- hello -5 -1.5e3 - -0"},
		{"emit hello -- --room r1 -- x", "emit -- hello --room r1 -- x"},
		{"emit -- hello --rom", "emit -- hello --rom"},
		{"--key k emit hello", "--key=k emit -- hello"},
		{"emit hello --key k -n admin --timeout 1s", "--key=k --namespace=admin --timeout=1s emit -- hello"},
		{"emit hello --volatile --compress=false --json=true", "emit --volatile=true --compress=false --json=true -- hello"},
		{"emit --volatile hello", "emit --volatile=true -- hello"},
		{"emit -nadmin -rr1 hello -xa=b", "--namespace=admin emit --room=r1 --except=a=b -- hello"},
		{"-nadmin emit hello -r5 -r-x", "--namespace=admin emit --room=5 --room=-x -- hello"},
		{"emit hello -- -nadmin", "emit -- hello -nadmin"},
		{"emit --binary \xff --args \xff hello", "emit --binary=\xff --args=\xff -- hello"}, // a file may have that name
		{"emit --volatile -- true", "emit --volatile=true -- true"},
		{"emit hello false --compress", "emit --compress=true -- hello false"},
		{"emit hello --string 1 true", "emit --string=true -- hello 1 true"},
		{"emit hello --string --volatile --string=true", "emit --string=true --volatile=true --string=true -- hello"},
		{"emit --binary a --binary a --redis b --redis b hello", "--redis=b --redis=b emit --binary=a --binary=a -- hello"},
		{"emit --help", "help -- emit"},
		{"emit hello --key k --help", "help -- emit"},
		{"-h", "help"},
		{"--version", "version"},
		{"--version --json", "version --json=true"},
		{"emit help h", "emit -- help h"},
		{"help emit", "help -- emit"},
	} {
		got, err := newProgram(nil, io.Discard, io.Discard).Arrange(append([]string{"sioemit"}, strings.Fields(test.in)...))
		if err != nil || strings.Join(got[1:], " ") != test.want {
			t.Errorf("%q: %q, %v, want %q", test.in, got, err, test.want)
		}
	}
	for _, test := range []struct{ in, text string }{
		{"emit hello --rom r1", "--rom"},
		{"emit hello --rom=r1", "--room"},
		{"emit hello -z", "-z"},
		{"emit hello -5x", "-5x"},
		{"emit hello -na -nb", "--namespace is given twice"},
		{"-ra emit hello", "unknown flag -ra"},
		{"rooms -xa", "unknown flag -xa"},
		{"emit hello -Infinity", "-Infinity"},
		{"emit hello --room", "--room needs a value"},
		{"emit hello -n", "-n needs a value"},
		{"emit hello --volatile=maybe", "maybe"},
		{"--room a emit hello", `flag of "emit"`},
		{"emit --compress false hello", "--compress false: write --compress=false; if false is an argument, put --compress after it"},
		{"emit --volatile true hello", "write --volatile=true"},
		{"emit hello -string true", "write -string=true"},
		{"--cluster true emit hello", "write --cluster=true"},
		{"emit hello --args a --args b", "--args is given twice, but takes one value"},
		{"emit hello --args=a --args=a", "--args is given twice"},
		{"--key a emit hello --key b", "--key is given twice"},
		{"emit -n a hello --namespace b", "--namespace is given twice"},
		{"emit hello --require 1 --require 2", "--require is given twice"},
		{"emit hello --compress --compress=false", "--compress is given twice"},
		{"emit hello --timeout 5", `--timeout must be a time with its unit, such as 5s or 500ms, not "5": write 5s for seconds, 5ms for milliseconds`},
		{"emit hello --timeout 1.5", "write 1.5s for seconds, 1.5ms for milliseconds"},
		{"listen --for soon", `--for must be a time with its unit, such as 5s or 500ms, not "soon"`},
		{"emit hello --require x", `--require must be a whole number, not "x"`},
		{"emit hello --require 1.5", `--require must be a whole number, not "1.5"`},
		{"pipe --from-line 99999999999999999999", `--from-line must be a whole number, not "99999999999999999999"`},
		{"emit hello --max-len=", `--max-len must be a whole number, not ""`},
		{"emit hello --room \xff", "--room is not valid UTF-8"},
		{"emit hello --room a -x b\xff", "--except is not valid UTF-8"},
		{"emit hello -n \xff", "--namespace is not valid UTF-8"},
		{"--key \xff emit hello", "--key is not valid UTF-8"},
		{"--redis redis://:secret\xff@localhost emit hello", "--redis is not valid UTF-8"},
		{"emti hello", `"emti"`},
		{"--nonsense", "--nonsense"},
	} {
		got, err := newProgram(nil, io.Discard, io.Discard).Arrange(append([]string{"sioemit"}, strings.Fields(test.in)...))
		if commandline.Status(err) != commandline.StatusUsage || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%q: %q, %v, want a usage error that names %s", test.in, got, err, test.text)
		}
	}
}

// TestArrangeSuggests has a near name suggested, and no other.
func TestArrangeSuggests(t *testing.T) {
	t.Parallel()
	const isArgument = "; if it is an argument, put -- before it"
	for in, want := range map[string]string{
		"emit hello --rom r1":      "unknown flag --rom (did you mean --room?)" + isArgument,
		"emit hello --rom=r1":      "unknown flag --rom (did you mean --room?)" + isArgument,
		"emit hello --volatlie":    "unknown flag --volatlie (did you mean --volatile?)" + isArgument,
		"emit hello --hepl":        "unknown flag --hepl (did you mean --help?)" + isArgument,
		"emit hello -z":            "unknown flag -z" + isArgument,
		"emit hello --tp r1":       "unknown flag --tp (did you mean --to?)" + isArgument,
		"emit hello --rr":          "unknown flag --rr" + isArgument,
		"emit hello -rom r1":       "unknown flag -rom (did you mean --room?)" + isArgument,
		"emit hello -room1":        "unknown flag -room1 (did you mean --room?)" + isArgument,
		"emit hello -zoo":          "unknown flag -zoo" + isArgument,
		"emit hello --foo":         "unknown flag --foo" + isArgument,
		"emit hello --nonsense":    "unknown flag --nonsense" + isArgument,
		"rooms --room a":           "rooms has no --room" + isArgument,
		"listen -x a":              "listen has no -x" + isArgument,
		"listen --except=a":        "listen has no --except" + isArgument,
		"--room a emit hello":      `--room is a flag of "emit": put it after the command's name`,
		"--timout 5s emit hello":   "unknown flag --timout (did you mean --timeout?)" + isArgument,
		"emti hello":               `there is no command "emti" (did you mean emit?); see sioemit help, or send an event of that name with sioemit emit emti`,
		"server-emti hello":        `there is no command "server-emti" (did you mean server-emit?); see sioemit help, or send an event of that name with sioemit emit server-emti`,
		"EMIT hello":               `there is no command "EMIT" (did you mean emit?); see sioemit help, or send an event of that name with sioemit emit EMIT`,
		"emit hello --room=":       "--room is empty: is a variable not set?",
		"-n= emit hello":           "--namespace is empty: is a variable not set?",
		"foo":                      `there is no command "foo"; see sioemit help, or send an event of that name with sioemit emit foo`,
		"publish hello":            `there is no command "publish"; see sioemit help, or send an event of that name with sioemit emit publish`,
		"emit hello --version":     "unknown flag --version" + isArgument,
		"emit --nonsense --help x": "unknown flag --nonsense" + isArgument,
	} {
		got, err := newProgram(nil, io.Discard, io.Discard).Arrange(append([]string{"sioemit"}, strings.Fields(in)...))
		if err == nil || err.Error() != want {
			t.Errorf("%q: %q, %v, want %s", in, got, err, want)
		}
	}
}

// FuzzArrange looks for a command line that loses a word or makes a flag out
// of an argument behind --.
func FuzzArrange(f *testing.F) {
	f.Add("emit hello --room r1 -- -x")
	f.Add("-n a emit -5 --volatile x")
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Fields(line)
		got, err := newProgram(nil, io.Discard, io.Discard).Arrange(append([]string{"sioemit"}, words...))
		if err != nil {
			return
		}
		if slices.Contains(words, "-h") || strings.Contains(line, "-help") {
			return // the rest does not matter then
		}
		if i := slices.Index(words, "--"); i >= 0 && i+1 < len(words) && (i == 0 || !strings.HasPrefix(words[i-1], "-")) {
			if tail := words[i+1:]; i > 0 && words[0] == "emit" && !slices.Equal(got[len(got)-len(tail):], tail) {
				t.Errorf("%q became %q", words, got)
			}
		}
	})
}
