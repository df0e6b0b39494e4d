package doctor

import (
	"bytes"
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestOtherURL never prints a password, and never drops one without a word.
func TestOtherURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		options redis.Options
		master  string
		flags   []string
		advice  string
	}{
		{redis.Options{DB: 3}, "", []string{"--redis", "redis://host:1/3"}, "Add --redis redis://host:1/3."},
		{redis.Options{}, "main", []string{"--redis", "redis://host:1?master_name=main"}, "Add --redis 'redis://host:1?master_name=main'."},
		{redis.Options{TLSConfig: &tls.Config{}}, "", []string{"--redis", "rediss://host:1"}, "Add --redis rediss://host:1."},
		{redis.Options{Username: "app"}, "", []string{"--redis", "redis://app@host:1"}, "Add --redis 'redis://app@host:1'."},
		{redis.Options{Password: "sesame"}, "", nil, "Add --redis 'redis://:PASSWORD@host:1'."},
		{redis.Options{Username: "a b", Password: "sesame", DB: 3}, "", nil, "Add --redis 'redis://a%20b:PASSWORD@host:1/3'."},
		{redis.Options{Network: "unix", Addr: "/run/a b.sock"}, "", []string{"--redis", "unix:///run/a%20b.sock"}, "Add --redis 'unix:///run/a%20b.sock'."},
		{redis.Options{Network: "unix", Addr: "/r.sock", DB: 2, Password: "sesame"}, "", nil, "Add --redis 'unix://:PASSWORD@/r.sock?db=2'."},
	} {
		if test.options.Addr == "" {
			test.options.Addr = "host:1"
		}
		d := diagnosis{}
		if flags, advice := d.otherURL(test.options, test.master); !slices.Equal(flags, test.flags) || advice != test.advice {
			t.Errorf("%+v: %q, %q", test.options, flags, advice)
		}
	}
	d := diagnosis{given: []string{"--redis", "--tls-ca", "--key"}}
	if _, advice := d.otherURL(redis.Options{Addr: "host:1"}, ""); advice != "Use --redis redis://host:1 in place of your --redis, --tls-ca." {
		t.Error(advice)
	}
}

// TestShownURL prints no password of a command line that is corrected.
func TestShownURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"redis://h:1":                 "redis://h:1",
		"redis://:sesame@h:1/2":       "redis://:PASSWORD@h:1/2",
		"rediss://u:pa%24%24@h":       "rediss://u:PASSWORD@h",
		"redis://u@h":                 "redis://u@h",
		"unix://:sesame@/r.sock?db=1": "unix://:PASSWORD@/r.sock?db=1",
		"redis://h?master_name=m&sentinel_password=a+b&sentinel_username=u": "redis://h?master_name=m&sentinel_password=PASSWORD&sentinel_username=u",
	} {
		if got := shownURL(raw); got != want {
			t.Errorf("%s becomes %s, not %s", raw, got, want)
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	f := finding{Status: failure, Text: strings.Repeat("word ", 30) + "end", Advice: "Do it."}
	if err := f.render(&b, true); err != nil || !strings.HasPrefix(b.String(), "\x1b[31mfailure\x1b[0m  word") || !strings.Contains(b.String(), "\n         word") || !strings.HasSuffix(b.String(), "\n         > Do it.\n") {
		t.Errorf("%v: %q", err, b.String())
	}
}
