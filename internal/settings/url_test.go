package settings

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"redis://localhost":                   "localhost:6379",
		"redis://user:pw@host:1234/3":         "host:1234",
		"rediss://host":                       "host:6379",
		"unix:///run/redis.sock":              "/run/redis.sock",
		"redis://[::1]:7000":                  "[::1]:7000",
		"redis://host:26379?master_name=main": "host:26379",
		"redis://:p%23w%2F%40@host:6379/0":    "host:6379",
		"redis://u:p@ss@host":                 "host:6379",
		"REDIS://host/":                       "host:6379",
		"redis://host?db=3&read_timeout=1s":   "host:6379",
		"rediss://host?skip_verify=true":      "host:6379",
		"unix:///run/redis@1/redis.sock":      "/run/redis@1/redis.sock",
		"unix://:pw@/run/redis.sock?db=2":     "/run/redis.sock",
	} {
		u, err := parseURL(raw)
		if err != nil || u.Options.Addr != want {
			t.Errorf("%s: %+v, %v", raw, u, err)
		}
	}
	for raw, text := range map[string]string{
		"":                           "no scheme: write redis://HOST:PORT",
		":secret":                    "no scheme: write redis://HOST:PORT",
		"u:secret@localhost:6379":    "no scheme: write redis://HOST:PORT",
		"redis:u:secret@localhost":   "no scheme: write redis://HOST:PORT",
		"localhost:6379":             "write redis://localhost:6379",
		"127.0.0.1:7100":             "write redis://127.0.0.1:7100",
		"[::1]:7100":                 "write redis://[::1]:7100",
		"http://u:secret@localhost":  "start with redis://",
		"sec:ret://u:pw@localhost":   "start with redis://",
		"redis://u:secret@host:port": "port",
		"redis://u:sec%ret@host":     "%25",
		"redis://u:secret@ho st":     "cannot be read",
		"redis://u:sec ret@host":     "cannot be read",
		"redis://u:secret":           "port",
		"redis://127.0.0.1:99999":    "a number from 1 to 65535",
		"redis://u:secret@host:0":    "a number from 1 to 65535",
		"rediss://u:65536":           "a number from 1 to 65535",
		// A password that is not written as it must be: not even the host is
		// shown, because a part of the password is taken for it.
		"redis://secret#x@host":                                      "in a password, write / ? # @ as %2F %3F %23 %40",
		"redis://u:secret#x@host":                                    "%23",
		"redis://u:123#secret@host:6379":                             "%23",
		"redis://u:123/secret@host:6379":                             "%2F",
		"redis://u:secret/0@host":                                    "%2F",
		"redis://u:123?secret@host:6379":                             "%3F",
		"redis://u:1@secret/x@host":                                  "%40",
		"unix://u:1/secret@/run/sock":                                "%2F",
		"redis://host?master_name=main&sentinel_password=a#secret":   "%23",
		"redis://host?master_name=main&sentinel_password=a@secret":   "%40",
		"redis://u:secret@host/db":                                   "redis://host: only the number of a database",
		"redis://u:secret@host/1/2":                                  "number of a database",
		"redis://u:secret@host/-1":                                   "number of a database",
		"redis://u:secret@host?nonsense=secret":                      `redis://host: option 1 after the ? does not exist; a password goes before the host`,
		"redis://host:1?password=secret":                             `redis://host:1: option 1 after the ? does not exist; a password goes before the host`,
		"redis://host?password=top&secret":                           "option 1 after the ? does not exist",
		"redis://host?secret":                                        "option 1 after the ? does not exist",
		"redis://host?db=1&secret=x":                                 "option 2 after the ? does not exist",
		"redis://host?db=1&dbs=secret":                               "option 2 after the ? does not exist (did you mean db?)",
		"redis://host?master_nam=secret":                             "did you mean master_name?",
		"redis://host?db=secret":                                     `option "db" has an invalid value`,
		"redis://host?read_timeout=secret":                           `option "read_timeout" has an invalid value`,
		"redis://host?pool_fifo=secret":                              `option "pool_fifo" has an invalid value`,
		"redis://host?db=%secret":                                    "options after the ?",
		"redis://u:secret@host?master_name=":                         "redis://host: master_name is empty",
		"redis://host?sentinel_password=secret":                      "redis://host: sentinel_username and sentinel_password need master_name",
		"redis://host?master_name=main&sentinel_password=a&secret=1": "write its & as %26",
		"unix://:secret@":                                            "unix:///",
		"unix://run/redis.sock":                                      "unix:///",
	} {
		u, err := parseURL(raw)
		if err == nil || strings.Contains(err.Error(), "sec") || strings.Contains(err.Error(), "ret") || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %+v, %v, want an error that says %s", raw, u, err, text)
		}
	}
}

// FuzzParseURL looks for a URL of which the password is shown.
func FuzzParseURL(f *testing.F) {
	for _, part := range []string{"", "/", "?", "#", "@", "%", ":", "&", "=", "//", "1/", "1?", "/0?db=1&", "a@b", "://", "[", "%2F", ";", " ", "\\", "\n"} {
		f.Add("redis", part, "", "host:6379")
		f.Add("rediss", "1", part, "host/0?db=1")
		f.Add("unix", part, part, "/run/redis.sock")
		f.Add("redis", part, part, "host?master_name="+part)
	}
	f.Fuzz(func(t *testing.T, scheme, before, after, rest string) {
		const secret = "sesame"
		password := before + secret + after
		for _, raw := range []string{
			scheme + "://u" + password + "@" + rest, scheme + "://:" + password + "@" + rest, scheme + "://user:" + password + "@" + rest,
			"redis://host?" + password, "redis://host?db=1&" + password, "redis://host?password=" + password, "redis://host:1/0?master_name=main&sentinel_password=" + password,
		} {
			var shown string
			u, err := parseURL(raw)
			if err != nil {
				shown = err.Error()
			} else {
				shown = u.Shown + u.Options.Addr
			}
			if strings.Contains(shown, secret) && !strings.Contains(scheme+rest, secret) {
				t.Errorf("%q: %s", raw, shown)
			}
		}
	})
}
