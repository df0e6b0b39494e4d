package settings

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/commandline"
)

// URL is one Redis URL, taken apart.
type URL struct {
	Options *redis.Options
	Shown   string // scheme and host: what else is in the URL may be a password

	// Of a Sentinel URL; what stands before the host is for Redis itself.
	MasterName, SentinelUsername, SentinelPassword string
}

// Host is that of the URL.
func (u *URL) Host() string {
	host, _, _ := net.SplitHostPort(u.Options.Addr)
	return host
}

// sentinelOptions are options of URLs that are ours, not go-redis's.
var sentinelOptions = []string{"master_name", "sentinel_username", "sentinel_password"}

// encodeHint is for passwords that end in the middle, because a character in
// them means something else in a URL.
const encodeHint = "in a password, write / ? # @ as %2F %3F %23 %40"

// hostPort is a URL without its beginning.
var hostPort = regexp.MustCompile(`^([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]+$`)

// parseURL repeats in its errors the scheme and the host of the URL at most, and
// where it is not certain which part is the host, nothing. So it has its own
// words for what package url and go-redis would say.
func parseURL(raw string) (*URL, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	scheme = strings.ToLower(scheme)
	behind := strings.IndexAny(rest, "/?#") // the host
	switch {
	case !ok && hostPort.MatchString(raw):
		return nil, fmt.Errorf("the Redis URL has no scheme: write redis://%s", raw)
	case !ok:
		return nil, errors.New("the Redis URL has no scheme: write redis://HOST:PORT, redis://USER:PASSWORD@HOST:PORT or unix:///PATH")
	case scheme != "redis" && scheme != "rediss" && scheme != "unix":
		return nil, errors.New("the Redis URL must start with redis://, rediss:// or unix://")
	case strings.Contains(rest, "#"), behind >= 0 && strings.Contains(rest[behind:], "@") && (behind > 0 || scheme != "unix"):
		return nil, fmt.Errorf("cannot tell which part of the Redis URL is the host: %s", encodeHint)
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("the Redis URL cannot be read: %s, and %% as %%25; the port must be a number", encodeHint)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			// It may be a part of a password that is not written as it must be.
			return nil, errors.New("the port in the Redis URL must be a number from 1 to 65535")
		}
	}
	t := &URL{Shown: scheme + "://" + u.Host}
	if scheme == "unix" {
		if u.Host != "" || u.Path == "" {
			return nil, errors.New("a Redis URL with unix:// needs the path of a socket, such as unix:///run/redis.sock")
		}
	} else if path := strings.Trim(u.Path, "/"); path != "" {
		if database, err := strconv.Atoi(path); err != nil || database < 0 {
			return nil, fmt.Errorf("%s: only the number of a database, such as /0, may follow the host", t.Shown)
		}
	}
	// A + is one here, not the space that it stands for in what forms send.
	query, err := url.ParseQuery(strings.ReplaceAll(u.RawQuery, "+", "%2B"))
	if err != nil {
		return nil, fmt.Errorf("%s: the options after the ? cannot be read: write NAME=VALUE&NAME=VALUE, and in a value %% ; & as %%25 %%3B %%26", t.Shown)
	}
	t.MasterName, t.SentinelUsername, t.SentinelPassword = query.Get("master_name"), query.Get("sentinel_username"), query.Get("sentinel_password")
	switch {
	case t.MasterName != "":
	case query.Has("master_name"):
		return nil, fmt.Errorf("%s: master_name is empty", t.Shown)
	case query.Has("sentinel_username"), query.Has("sentinel_password"):
		return nil, fmt.Errorf("%s: sentinel_username and sentinel_password need master_name", t.Shown)
	}
	for _, name := range sentinelOptions {
		query.Del(name)
	}
	options := u.RawQuery
	u.RawQuery = query.Encode()
	if t.Options, err = redis.ParseURL(u.String()); err != nil {
		return nil, fmt.Errorf("%s: %w", t.Shown, badOption(scheme, options))
	}
	return t, nil
}

// urlOptions are those of URLs that change what this command does, ours first.
var urlOptions = append(slices.Clone(sentinelOptions), "db", "client_name", "skip_verify")

// badOption says which option of a URL is the first that go-redis does not take.
// The name of one that does not exist is not repeated: it may be the rest of a
// password.
func badOption(scheme, options string) error {
	afterPassword := false
	for i, option := range strings.Split(options, "&") {
		name, _, _ := strings.Cut(option, "=")
		if slices.Contains(sentinelOptions, name) {
			afterPassword = afterPassword || name == "sentinel_password"
			continue
		}
		_, err := redis.ParseURL(scheme + ":///0?" + option)
		switch {
		case err == nil:
		case afterPassword: // and maybe a part of it
			return errors.New("an option after sentinel_password does not exist; if it is part of the password, write its & as %26")
		case !strings.HasPrefix(err.Error(), "redis: unexpected option"):
			return fmt.Errorf("option %q has an invalid value", name)
		default:
			return fmt.Errorf("option %d after the ? does not exist%s; a password goes before the host: redis://USER:PASSWORD@HOST", i+1, commandline.DidYouMean("", name, urlOptions))
		}
	}
	return errors.New("it cannot be read")
}
