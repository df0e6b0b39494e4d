package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/harness"
	"github.com/urfave/cli/v2"
)

// configured writes a file with profiles, and returns the variable that leads to it
// and the folder.
func configured(t *testing.T, text string) (env, folder string) {
	t.Helper()
	home := t.TempDir()
	folder = filepath.Join(home, "sioemit")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "config.toml"), text, 0o600)
	return "XDG_CONFIG_HOME=" + home, folder
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

// TestProfileKeys has every key of a profile do what its flag does.
func TestProfileKeys(t *testing.T) {
	t.Parallel()
	left := make(map[string]bool)
	for _, f := range newProgram(nil, io.Discard, io.Discard).Flags {
		left[f.Names()[0]] = true
	}
	delete(left, "profile")
	for line, more := range map[string]string{
		`redis="redis://127.0.0.1:1/x"`: "", `redis-password-file="/no/such/file"`: `redis="redis://localhost"`, `cluster=true`: `redis="redis://localhost/1"`,
		`tls-ca="/no/such/file"`: `redis="rediss://localhost"`, `tls-cert="/no/such/file"`: `redis="rediss://localhost"`, `tls-key="/no/such/file"`: `redis="rediss://localhost"`,
		`timeout="-1s"`: "", `adapter="sharded"`: "", `key="k"`: "", `codec="json"`: "", `server-version=2`: "", `socket-ids="("`: "", `subscription-mode="static"`: `adapter="sharded"`,
		`stream-name="s"`: `adapter="streams"`, `stream-count=3`: `adapter="streams"`, `max-len=7`: `adapter="streams"`, `sharded-pubsub=true`: "",
		`max-attachments=1`: "", `channel="c"`: "adapter=\"python\"\nallow-binary=true", `allow-binary=true`: `adapter="python"`, `namespace="admin"`: "",
	} {
		key, value, _ := strings.Cut(line, "=")
		words := []string{"emit", "--dry-run", "x", `{"$binary":""}`, `{"$binary":""}`, "--room", "a", "--profile", "p"}
		run := func(text string, flags ...string) result {
			env, folder := configured(t, "[p]\n"+text)
			r := sioemit(t, []string{env, "SIOEMIT_TIMEOUT="}, "", append(flags, words...)...)
			r.stderr = strings.ReplaceAll(r.stderr, folder, "FOLDER")
			return r
		}
		without, byKey, byFlag := run(more), run(more+"\n"+line), run(more, "--"+key+"="+strings.Trim(value, `"`))
		byKey.stderr = strings.ReplaceAll(byKey.stderr, key+" of profile p", "--"+key)
		if byKey == without || byKey != byFlag {
			t.Errorf("%s: %+v, as a flag: %+v, without: %+v", line, byKey, byFlag, without)
		}
		delete(left, key)
	}
	if len(left) > 0 {
		t.Errorf("no test of %v", left)
	}
}

// TestProfileOrder has flags, variables and a profile say different things.
func TestProfileOrder(t *testing.T) {
	t.Parallel()
	env, _ := configured(t, `
		[p]
		key = "profile"
		namespace = "profile"
		codec = "json"
		redis = "rediss://profile.invalid"
		tls-ca = "no-such-file"
		[q]
		key = "q"`)
	for _, test := range []struct{ variables, words, channel, stderr string }{
		{"", "", "socket.io#/#", ""},
		{"SIOEMIT_PROFILE=q", "", "q#/#", ""},
		{"SIOEMIT_PROFILE=p", "--profile q", "q#/#", ""},
		{"SIOEMIT_PROFILE=q SIOEMIT_KEY=v", "", "v#/#", ""},
		{"SIOEMIT_KEY=v", "--profile q", "v#/#", "sioemit: warning: profile q is overridden by SIOEMIT_KEY\n"},
		{"SIOEMIT_KEY=v", "--profile q --key f", "f#/#", ""},
		{"SIOEMIT_KEY=v SIOEMIT_NAMESPACE=v REDIS_URL=redis://localhost", "--profile p", "v#/v#", "sioemit: warning: profile p is overridden by REDIS_URL, SIOEMIT_KEY, SIOEMIT_NAMESPACE\n"},
		{"", "--profile p --redis redis://localhost", "profile#/profile#", ""},
		{"", "--profile p --redis redis://localhost --adapter sharded", "profile#/profile#", ""},
	} {
		r := sioemit(t, append(strings.Fields(test.variables), env), "", append(strings.Fields(test.words), "emit", "x", "--dry-run")...)
		if r.status != 0 || r.stderr != test.stderr || !strings.HasPrefix(strings.TrimPrefix(r.stdout, "S"), `PUBLISH "`+test.channel+`"`) {
			t.Errorf("%s %s: %+v, want %s", test.variables, test.words, r, test.channel)
		}
	}
}

// TestProfileRefused has profiles that cannot be used. No error holds a password.
func TestProfileRefused(t *testing.T) {
	t.Parallel()
	for text, said := range map[string]string{
		"[q]\nkey=\"a\"":                        `config.toml has no profile "p"`,
		"\n[p]\n\ncodce=\"\"":                   `config.toml, line 4: a profile has no "codce" (did you mean codec?)`,
		"[p]\n[q]\nx=1":                         `config.toml, line 3: a profile has no "x"`,
		"[p]\n[p.q]\nx=1":                       `config.toml, line 2: a profile has no "q"`,
		"key=\"a\"\n[p]":                        "config.toml, line 1: key is outside any profile: put the name of one, such as [prod], above it",
		"[p]\nredis=redis://u:sesame@localhost": "config.toml, line 2: this is not TOML; below the name of a profile",
		"[p]\nkey=\"a\"\nkey=\"b\"":             "config.toml, line 3: ",
		"[p]\nkey=\"sesame":                     "config.toml, line 2: this is not TOML",
		"[p]\nkey=1":                            "config.toml, line 2: key has an invalid value: put text in quotes, but not numbers, true or false",
		"[p]\ncluster=\"true\"":                 "config.toml, line 2: cluster has an invalid value",
		"[p]\nstream-count=1.5":                 "config.toml, line 2: stream-count has an invalid value",
		"[p]\nmax-len=99999999999999999999":     "config.toml, line 2",
		"[p]\nkey=\"\"":                         "key of profile p is empty",
		"[p]\ntimeout=\"5\"":                    `timeout of profile p must be a time with its unit, such as 5s or 500ms, not "5": write 5s`,
		"[p]\nadapter=\"redis\"":                `adapter of profile p must be classic, sharded, streams or python, not "redis"`,
		"[p]\nmax-len=1":                        "max-len of profile p is an option of the streams adapter, not of the classic adapter",
		"[p]\nredis-password-file=\"x\"":        "profile p has a password, but no redis to use it for",
		"[p]\nredis=\"redis://h\"\nredis-password-file=\"x\"\nredis-password-command=[\"x\"]":      "has both redis-password-file and redis-password-command: remove one",
		"[p]\nredis=\"redis://u:sesame@h\"\nredis-password-file=\"x\"":                             "redis-password-file of profile p and the URL redis://h both have a password: remove one",
		"[p]\nredis=\"redis://h\"\nredis-password-command=[]":                                      "redis-password-command of profile p is empty",
		"[p]\nredis=\"redis://h\"\nredis-password-command=[\"no-such-command\",\"sesame\"]":        "redis-password-command of profile p: no-such-command: ",
		"[p]\nredis=\"redis://h\"\nredis-password-command=[\"sh\",\"-c\",\"echo sesame; exit 3\"]": "redis-password-command of profile p: sh: exit status 3",
		"[p]\nredis=\"redis://h\"\nredis-password-command=[\"printf\",\"sesame\\\\nsesame\\\\n\"]": "redis-password-command of profile p: the password is more than one line",
		"[p]\nredis=\"redis://h\"\nredis-password-command=[\"true\"]":                              "the password is empty",
	} {
		env, _ := configured(t, text)
		r := sioemit(t, []string{env}, "", "emit", "x", "--dry-run", "--profile", "p")
		if r.status != commandline.StatusUsage || r.stdout != "" || strings.Contains(r.stderr, "sesame") {
			t.Errorf("%q: %+v", text, r)
		}
		r.oneLine(t, said)
	}
	env, _ := configured(t, "[prod]\n[staging]")
	r := sioemit(t, []string{env}, "", "emit", "x", "--profile", "prd")
	r.oneLine(t, `has no profile "prd" (did you mean prod?)`)
	r = sioemit(t, []string{"XDG_CONFIG_HOME=/no/such/folder"}, "", "emit", "x", "--dry-run", "--profile", "p")
	r.oneLine(t, "--profile p: open /no/such/folder/sioemit/config.toml")
	r = sioemit(t, []string{"SIOEMIT_PROFILE=p"}, "", "emit", "x", "--dry-run")
	r.oneLine(t, "SIOEMIT_PROFILE p: open ", "/.config/sioemit/config.toml")
}

// TestPasswordSources gets to a Redis with a password by each way that keeps it out
// of the command line.
func TestPasswordSources(t *testing.T) {
	t.Parallel()
	const password = "ses@me/ word"
	server := harness.RedisFor(t, harness.RedisConfig{Password: password})
	other := harness.RedisFor(t, harness.RedisConfig{})
	redis := "redis://" + server.Addr
	env, folder := configured(t, fmt.Sprintf(`
		[file]
		redis = "%[1]s"
		redis-password-file = "password"
		[command]
		redis = "%[1]s"
		redis-password-command = ["sh", "-c", "echo asked >&2; cat; cat '%[2]s'"]
		[url]
		redis = "redis://:ses%%40me%%2F%%20word@%[3]s"
		[bare]
		redis = "%[1]s"`, redis, "PASSWORD", server.Addr))
	file := filepath.Join(folder, "password")
	write(t, file, password+"\r\n", 0o640)
	config := filepath.Join(folder, "config.toml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, config, strings.Replace(string(text), "PASSWORD", file, 1), 0o644)
	run := func(variables []string, words ...string) result {
		return sioemit(t, append(variables, env), "stdin", append([]string{"servers", "--require", "0"}, words...)...)
	}
	heard := result{0, "no server listens\n", "sioemit: warning: no server listens there: check --redis, --adapter, --key and --namespace, or run sioemit doctor with these flags\n"}
	asked := heard
	asked.stderr = "asked\n" + asked.stderr
	for _, test := range []struct {
		variables []string
		words     string
		want      result
	}{
		{nil, "--redis " + redis + " --redis-password-file " + file, heard},
		{[]string{"SIOEMIT_REDIS_PASSWORD_FILE=" + file, "REDIS_URL=" + redis}, "", heard},
		{[]string{"SIOEMIT_REDIS_PASSWORD_FILE=/no/such/file"}, "--redis " + server.URL(), heard}, // which has its own
		{nil, "--profile file", heard},
		{nil, "--profile command", asked},
		{nil, "--profile bare --redis-password-file " + file, heard},
		{nil, "--profile file --cluster=false", heard},
		{nil, "--profile command --redis redis://" + other.Addr, heard}, // where the password is not for
	} {
		if r := run(test.variables, strings.Fields(test.words)...); r != test.want {
			t.Errorf("%q %s: %+v, want %+v", test.variables, test.words, r, test.want)
		}
	}
	if r := run(nil, "--profile", "bare"); r.status != commandline.StatusFailed || !strings.Contains(r.stderr, "password") {
		t.Errorf("without a password: %+v", r)
	}
	// What everybody can read.
	r := run(nil, "--profile", "url")
	if r.status != commandline.StatusUsage {
		t.Errorf("%+v", r)
	}
	r.oneLine(t, "config.toml holds a password, and every user of this machine can read it: run chmod 600 on it")
	for path, mode := range map[string]os.FileMode{config: 0o600, file: 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if r := run(nil, "--profile", "url"); r != heard {
		t.Errorf("%+v", r)
	}
	if r := run(nil, "--profile", "file"); r.status != 0 || !strings.HasPrefix(r.stderr, "sioemit: warning: every user of this machine can read the password in "+file+": run chmod 600 on it\n") {
		t.Errorf("%+v", r)
	}
}

// TestSettingsPage holds docs/settings.md to the flags, and runs what it shows.
func TestSettingsPage(t *testing.T) {
	harness.NeedServers(t)
	t.Parallel()
	page, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range newProgram(nil, io.Discard, io.Discard).Flags {
		name := f.Names()[0]
		row := regexp.MustCompile("(?m)^\\| `--" + name + "` \\| (.*) \\|(.*) \\|$").FindStringSubmatch(string(page))
		if row == nil {
			t.Errorf("there is no row for --%s", name)
			continue
		}
		for _, variable := range f.(cli.DocGenerationFlag).GetEnvVars() {
			if row[1] != "`"+variable+"`" {
				t.Errorf("--%s: %q, not %s", name, row[1], variable)
			}
		}
		if !strings.HasPrefix(row[2], " `"+name+"`") && name != "profile" {
			t.Errorf("--%s: %q", name, row[2])
		}
	}
	block := func(language string) string {
		t.Helper()
		match := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(page)
		if match == nil {
			t.Fatalf("there is no block of %s", language)
		}
		return string(match[1])
	}
	server := harness.RedisFor(t, harness.RedisConfig{ACL: []string{"user app on >sesame +@all ~* &*"}})
	const host = "rediss://app@redis.internal"
	config := block("toml")
	if !strings.Contains(config, host) {
		t.Fatalf("the block does not name %s", host)
	}
	env, folder := configured(t, strings.Replace(config, host, "redis://app@"+server.Addr, 1))
	self, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "pass"), "#!/bin/sh\n[ \"$*\" = 'show redis/prod' ] && echo sesame\n", 0o700)
	write(t, filepath.Join(folder, "sioemit"), "#!/bin/sh\n"+runMain+"=1 exec "+self+" --timeout 1m \"$@\"\n", 0o700)
	shell := exec.CommandContext(t.Context(), "sh", "-eu", "-c", block("sh"))
	shell.Env = []string{env, "PATH=" + folder + ":" + os.Getenv("PATH")}
	out, err := shell.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\"socket.io#/admin#\"") || strings.Contains(string(out), "sesame") {
		t.Errorf("%v: %s", err, out)
	}
}
