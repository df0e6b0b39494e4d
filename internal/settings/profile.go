package settings

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/sioemit/sioemit/internal/commandline"
)

// profile is a table of the configuration file. Its keys are the names of the
// flags; a key that is not there is nil.
type profile struct {
	Redis           *string  `toml:"redis"` // several with spaces between them, as in a variable
	PasswordFile    *string  `toml:"redis-password-file"`
	PasswordCommand []string `toml:"redis-password-command"`
	Cluster         *bool    `toml:"cluster"`
	TLSCA           *string  `toml:"tls-ca"`
	TLSCert         *string  `toml:"tls-cert"`
	TLSKey          *string  `toml:"tls-key"`
	Timeout         *string  `toml:"timeout"`

	Adapter        *string `toml:"adapter"`
	Key            *string `toml:"key"`
	Codec          *string `toml:"codec"`
	Version        *int    `toml:"server-version"`
	SocketIDs      *string `toml:"socket-ids"`
	Mode           *string `toml:"subscription-mode"`
	StreamName     *string `toml:"stream-name"`
	StreamCount    *int    `toml:"stream-count"`
	MaxLen         *int64  `toml:"max-len"`
	ShardedPubSub  *bool   `toml:"sharded-pubsub"`
	Channel        *string `toml:"channel"`
	AllowBinary    *bool   `toml:"allow-binary"`
	MaxAttachments *int    `toml:"max-attachments"`
	Namespace      *string `toml:"namespace"`
}

// keys are those that a profile may have.
func keys() (names []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[profile]()) {
		names = append(names, field.Tag.Get("toml"))
	}
	return names
}

// configFile is where the profiles are.
func configFile() (string, error) {
	folder := os.Getenv("XDG_CONFIG_HOME")
	if folder == "" {
		var err error
		if folder, err = os.UserConfigDir(); err != nil {
			return "", err
		}
	}
	return filepath.Join(folder, "sioemit", "config.toml"), nil
}

// readProfile returns the profile of a name, with the file that it is in.
func readProfile(name string) (p profile, path string, err error) {
	if path, err = configFile(); err != nil {
		return p, path, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return p, path, err
	}
	all := make(map[string]profile)
	decoder := toml.NewDecoder(bytes.NewReader(text))
	if err := decoder.DisallowUnknownFields().Decode(&all); err != nil {
		return p, path, inFile(path, err)
	}
	p, ok := all[name]
	if !ok {
		return p, path, fmt.Errorf("%s has no profile %q%s", path, name, commandline.DidYouMean("", name, slices.Sorted(maps.Keys(all))))
	}
	// Only a URL can hold a password here; a file that holds one has permissions of its own.
	if p.Redis != nil && isReadByAll(path) && slices.ContainsFunc(strings.Fields(*p.Redis), holdsPassword) {
		return p, path, fmt.Errorf("%s holds a password, and every user of this machine can read it: run chmod 600 on it, or move the password to a redis-password-file", path)
	}
	return p, path, nil
}

// inFile is an error of package toml, in words that repeat no value: it may be a
// password.
func inFile(path string, err error) error {
	var unknown *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		bad = &unknown.Errors[0]
		line, _ := bad.Position()
		key := bad.Key()
		name := key[len(key)-1]
		return fmt.Errorf("%s, line %d: a profile has no %q%s", path, line, name, commandline.DidYouMean("", name, keys()))
	case !errors.As(err, &bad):
		return fmt.Errorf("%s cannot be read", path)
	}
	line, _ := bad.Position()
	switch key := bad.Key(); len(key) {
	case 0:
		return fmt.Errorf(`%s, line %d: this is not TOML; below the name of a profile, such as [prod], write settings such as redis = "redis://localhost"`, path, line)
	case 1:
		return fmt.Errorf("%s, line %d: %s is outside any profile: put the name of one, such as [prod], above it", path, line, key[0])
	default:
		return fmt.Errorf("%s, line %d: %s has an invalid value: put text in quotes, but not numbers, true or false", path, line, key[1])
	}
}

func holdsPassword(raw string) bool {
	u, err := parseURL(raw)
	return err == nil && (u.Options.Password != "" || u.SentinelPassword != "")
}

// useProfile gives the flags that neither the command line nor the environment
// sets the values of the profile.
func (f *Flags) useProfile() error {
	if f.profileName == "" {
		return nil
	}
	p, path, err := readProfile(f.profileName)
	if err != nil {
		return fmt.Errorf("%s %s: %w", f.nameOf("--profile"), f.profileName, err)
	}
	s := &setting{Flags: f, folder: filepath.Dir(path)}
	// All that leads to a Redis goes together: the password is for that one.
	if _, from, name := f.urls(); from == fromDefault {
		take(s, "--redis", &f.profileRedis, p.Redis)
		takeFile(s, "--redis-password-file", &f.passwordFile, p.PasswordFile)
		f.passwordCommand = p.PasswordCommand
		take(s, "--cluster", &f.cluster, p.Cluster)
		takeFile(s, "--tls-ca", &f.tlsCA, p.TLSCA)
		takeFile(s, "--tls-cert", &f.tlsCert, p.TLSCert)
		takeFile(s, "--tls-key", &f.tlsKey, p.TLSKey)
	} else if from == fromVariable && p.Redis != nil {
		s.overruled = append(s.overruled, name)
	}
	take(s, "--adapter", &f.adapter, p.Adapter)
	take(s, "--key", &f.key, p.Key)
	take(s, "--codec", &f.codec, p.Codec)
	take(s, "--server-version", &f.version, p.Version)
	take(s, "--socket-ids", &f.socketIDs, p.SocketIDs)
	take(s, "--subscription-mode", &f.mode, p.Mode)
	take(s, "--stream-name", &f.streamName, p.StreamName)
	take(s, "--stream-count", &f.streamCount, p.StreamCount)
	take(s, "--max-len", &f.maxLen, p.MaxLen)
	take(s, "--sharded-pubsub", &f.shardedPubSub, p.ShardedPubSub)
	take(s, "--channel", &f.channel, p.Channel)
	take(s, "--allow-binary", &f.allowBinary, p.AllowBinary)
	take(s, "--max-attachments", &f.maxAttachments, p.MaxAttachments)
	take(s, "--namespace", &f.namespace, p.Namespace)
	if p.Timeout != nil {
		timeout, err := commandline.ParseTime(f.inProfile("--timeout"), *p.Timeout)
		s.err = cmp.Or(s.err, err)
		take(s, "--timeout", &f.timeout, &timeout)
	}
	switch hasPassword := p.PasswordFile != nil || p.PasswordCommand != nil; {
	case s.err != nil:
		return s.err
	case hasPassword && p.Redis == nil:
		return fmt.Errorf("profile %s has a password, but no redis to use it for", f.profileName)
	case p.PasswordFile != nil && p.PasswordCommand != nil:
		return fmt.Errorf("profile %s has both redis-password-file and redis-password-command: remove one", f.profileName)
	case p.PasswordCommand != nil && len(p.PasswordCommand) == 0:
		return fmt.Errorf("%s is empty", f.inProfile("redis-password-command"))
	}
	if len(s.overruled) > 0 && f.sourceOf("--profile") == fromFlag {
		f.program.Warn("profile %s is overridden by %s", f.profileName, strings.Join(s.overruled, ", "))
	}
	return nil
}

// setting takes the values of a profile, one by one.
type setting struct {
	*Flags
	folder    string   // of the file: what relative paths begin in
	overruled []string // variables that go before a value
	err       error
}

// take gives a flag the value of the profile, nil if it has none, unless the
// command line or the environment sets it.
func take[T comparable](s *setting, flag string, to, value *T) {
	if value == nil {
		return
	}
	if text, ok := any(*value).(string); ok && text == "" {
		s.err = cmp.Or(s.err, fmt.Errorf("%s is empty", s.inProfile(flag)))
	}
	s.profile[flag] = true
	switch s.sourceOf(flag) {
	case fromProfile:
		*to = *value
	case fromVariable:
		s.overruled = append(s.overruled, s.nameOf(flag))
	}
}

// takeFile is take for a path, which may be relative to the folder of the file.
func takeFile(s *setting, flag string, to, value *string) {
	if value != nil && *value != "" && !filepath.IsAbs(*value) {
		path := filepath.Join(s.folder, *value)
		value = &path
	}
	take(s, flag, to, value)
}

// inProfile is what an error calls a setting of the profile.
func (f *Flags) inProfile(flag string) string {
	return strings.TrimPrefix(flag, "--") + " of profile " + f.profileName
}
