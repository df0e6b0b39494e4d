package doctor

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
)

// checkSentinels finds out why no Redis answers behind Sentinels. It returns the
// address of the master when they know one.
func (p *patient) checkSentinels(ctx context.Context) (master string) {
	var silent []string
	var why error
	for _, t := range p.redis.URLs {
		probing, cancel := context.WithTimeout(ctx, probeTimeout)
		address, names, err := askSentinel(probing, p.client.(*redis.Client), t.Options.Addr, p.redis.URLs[0])
		cancel()
		switch {
		case address != "":
			return address
		case err == nil:
			p.unknownMaster(t, names)
			return ""
		case connect.IsReply(err) && strings.Contains(err.Error(), "unknown command"):
			p.noSentinel(t)
			return ""
		case connect.IsReply(err):
			text, advice := connect.SentinelTrouble(t.Options.Addr, err)
			if text == "" {
				text, advice = fmt.Sprintf("the Sentinel at %s refuses: %s", t.Options.Addr, reason(err)), "check "+settings.URLSources
			}
			p.fail("redis", sentence(text), sentence(advice))
			return ""
		}
		silent, why = append(silent, t.Options.Addr), err
	}
	if text, advice := connect.Untrusted(strings.Join(silent, ", "), why); text != "" {
		p.fail("redis", sentence(text), sentence(advice))
		return ""
	}
	p.fail("redis", fmt.Sprintf("No Sentinel answers at %s: %s.", strings.Join(silent, ", "), reason(why)),
		"Are Sentinels running there? Check the addresses in "+settings.URLSources+".")
	return ""
}

// askSentinel returns the address of a master and the names of all. As for the
// client, the first URL has the password and the name of the master.
func askSentinel(ctx context.Context, client *redis.Client, address string, first *settings.URL) (master string, names []string, err error) {
	o := redis.Options{
		Dialer: connect.Dialer(probeTimeout, client.Options().TLSConfig), Addr: address, Username: first.SentinelUsername, Password: first.SentinelPassword, TLSConfig: client.Options().TLSConfig, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		Protocol: 2, DisableIdentity: true, MaintNotificationsConfig: connect.NoMaintenance(),
	}
	sentinel := connect.NewNode(&o)
	defer sentinel.Close()
	if names, err = mastersOf(ctx, sentinel); err != nil || !slices.Contains(names, first.MasterName) {
		return "", names, err
	}
	found, err := sentinel.Do(ctx, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", first.MasterName).StringSlice()
	if err != nil || len(found) != 2 {
		return "", names, err
	}
	return net.JoinHostPort(found[0], found[1]), names, nil
}

// mastersOf returns the names of the masters that a Sentinel watches.
func mastersOf(ctx context.Context, sentinel *redis.Client) (names []string, err error) {
	masters, err := sentinel.Do(ctx, "SENTINEL", "MASTERS").Slice()
	for _, master := range masters {
		if fields, ok := master.([]any); ok && len(fields) > 1 && fields[0] == "name" {
			names = append(names, fmt.Sprint(fields[1]))
		}
	}
	return names, err
}

// unknownMaster says that a Sentinel does not watch the master of the URL.
func (p *patient) unknownMaster(t *settings.URL, names []string) {
	text := fmt.Sprintf("The Sentinel at %s knows no master %s; it knows %s.", t.Options.Addr, show.Quote(p.redis.URLs[0].MasterName), strings.Join(names, ", "))
	flags, advice := p.masterURL(*t.Options, names)
	p.fail("redis", text, advice, flags...)
}

// noSentinel says that a Redis is taken for a Sentinel.
func (p *patient) noSentinel(t *settings.URL) {
	flags, advice := p.otherURL(*t.Options, "")
	p.fail("redis", fmt.Sprintf("What answers at %s is a Redis, not a Sentinel.", t.Options.Addr),
		"Sentinels have a port of their own, 26379 by default. For this Redis, "+strings.ToLower(advice[:1])+advice[1:], flags...)
}

// itIsSentinel says that what answers is a Sentinel, and how to use it as one.
func (p *patient) itIsSentinel(ctx context.Context) {
	names, err := mastersOf(ctx, p.node)
	if err != nil {
		p.fail("role", "This is a Sentinel, not a Redis.", fmt.Sprintf("Add ?master_name=NAME to the URL. The names are not known: %s.", reason(err)))
		return
	}
	o := p.node.Options()
	flags, advice := p.masterURL(*o, names)
	if o.Password != "" {
		flags, advice = nil, fmt.Sprintf("Use %s://:PASSWORD@%s?master_name=NAME&sentinel_password=PASSWORD, with the password of Redis first, and then that of the Sentinel. It knows: %s.",
			schemeOf(o), o.Addr, strings.Join(names, ", "))
	}
	p.fail("role", "This is a Sentinel, not a Redis.", advice, flags...)
}

// masterURL is otherURL for the master that Sentinels watch, when it is clear
// which one and a URL can hold all that is needed, for no password is printed.
func (p *patient) masterURL(o redis.Options, names []string) (flags []string, advice string) {
	if len(names) != 1 || p.redis.IsSentinel() && (len(p.redis.URLs) > 1 || p.redis.URLs[0].SentinelPassword != "") {
		return nil, "Put ?master_name=NAME into the URL. It knows: " + strings.Join(names, ", ") + "."
	}
	return p.otherURL(o, names[0])
}
