package pipe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/wire"
)

// finish waits for the servers, prints the summary, and returns the error that the
// exit status comes from.
func (p *piper) finish(readErr, sendErr error) error {
	known := p.keepUp.finish()
	queued, sent, rejected := p.queued.Load(), p.sent.Load(), p.rejected.Load()
	lines, notSent := queued+rejected, queued-sent
	if waiting := p.queue.waiting(); p.firstNotSent == 0 && notSent > 0 && len(waiting) > 0 {
		p.firstNotSent = waiting[0].number
	}
	interrupted := p.ctx.Err() != nil
	if interrupted && p.firstNotSent == 0 {
		p.firstNotSent = p.next.Load()
	}
	checkpointErr := p.closeCheckpoint(&known, readErr)
	if err := p.printSummary(lines, sent, rejected, notSent, &known); err != nil {
		return err
	}
	isUnconfirmed := errors.As(sendErr, new(*unconfirmedError))
	switch resume := p.resume(&known); {
	case interrupted:
		p.Say("%s", resume)
		return p.ctx.Err()
	case sendErr != nil && p.dryRun:
		return sendErr
	case errors.As(sendErr, new(*connect.TooLargeError)):
		return fmt.Errorf("line %d: %w; %s, or without it with --from-line %d", p.firstNotSent, sendErr, resume, p.firstNotSent+1)
	case sendErr != nil && !isUnconfirmed:
		return fmt.Errorf("%w; line %d is the first that may not have been sent: %s", sendErr, p.firstNotSent, resume)
	case known.err != nil:
		return commandline.Repliesf("%s; line %d is the first that is not confirmed: %s", p.whyUnconfirmed(known.err), known.firstOpen(), resume)
	case readErr != nil:
		return readErr
	case checkpointErr != nil:
		return checkpointErr
	case rejected > 0:
		return commandline.Usagef("%d of %s rejected", rejected, show.Plural(int(lines), "line"))
	}
	return nil
}

// warnUnheard says in which namespaces nobody listens to what was sent. It asks
// about all of them at once, so that it takes one round trip.
func (p *piper) warnUnheard() {
	io := p.redis.Emitter(p.redis.Client)
	ctx, cancel := context.WithTimeout(p.ctx, p.settings.Redis.Timeout)
	defer cancel()
	var namespaces []string
	for namespace := range p.namespaces {
		namespaces = append(namespaces, encoding.Namespace(namespace))
	}
	slices.Sort(namespaces)
	namespaces = slices.Compact(namespaces) // admin is /admin
	more := ""
	if len(p.namespaces) > MaxNamespaces {
		namespaces, more = namespaces[:min(len(namespaces), MaxNamespaces)], fmt.Sprintf(" (%d namespaces were looked at)", MaxNamespaces)
	}
	servers, errs := make([]int, len(namespaces)), make([]error, len(namespaces))
	var group sync.WaitGroup
	for i, namespace := range namespaces {
		group.Go(func() { servers[i], errs[i] = io.Of(namespace).ServerCount(ctx) })
	}
	group.Wait()
	var unheardIn []string
	for i, namespace := range namespaces {
		if errs[i] == nil && servers[i] == 0 {
			unheardIn = append(unheardIn, show.Quote(namespace))
		}
	}
	if len(unheardIn) > 0 {
		p.Warn("in namespace %s %s%s", strings.Join(unheardIn, ", "), outcome.Unheard(p.settings.Adapter == settings.Streams), more)
	} else {
		p.warnUnread(ctx, namespaces)
	}
	if err := cmp.Or(errs...); err != nil {
		p.Warn("the servers could not be counted: %s", connect.ErrorText(p.redis.Explain(err)))
	}
}

// noteTaken takes note of a command that Redis has taken.
func (p *piper) noteTaken(cmd redis.Cmder) {
	p.noteSubscribers(cmd)
	if args := cmd.Args(); args[0] == "xadd" {
		if stream, ok := args[1].(string); ok {
			p.added[stream]++
		}
	}
}

// noteSubscribers counts what went to the channel of a room, which nobody but
// servers with clients in that room subscribes to, or nobody at all.
func (p *piper) noteSubscribers(cmd redis.Cmder) {
	sent, ok := cmd.(*redis.IntCmd)
	if !ok || p.settings.Adapter != settings.Sharded || !p.isRoomChannel(fmt.Sprint(sent.Args()[1])) {
		return
	}
	if sent.Val() == 0 {
		p.unsubscribed++
	} else {
		p.subscribed++
	}
}

// isRoomChannel reports whether a channel of the sharded adapter is that of a
// room: it goes on behind <prefix>#<namespace>#.
func (p *piper) isRoomChannel(channel string) bool {
	_, _, room, _ := wire.SplitChannel(strings.TrimPrefix(channel, p.settings.Servers.Sharded().ChannelPrefix))
	return room != ""
}

// warnUnread says what it can mean that servers listen on the namespaces and all
// the same did not get what was sent: no event to a single room found a
// subscriber, where one that did would show that the mode is right; or a stream
// holds nothing but what was sent.
func (p *piper) warnUnread(ctx context.Context, namespaces []string) {
	if p.unsubscribed > 0 && p.subscribed == 0 {
		p.Warn("nobody received %s to a single room: no client is in these rooms, or %s", show.Plural(int(p.unsubscribed), "event"), outcome.OtherMode(&p.settings.Servers))
	}
	if p.settings.Adapter != settings.Streams {
		return
	}
	for _, namespace := range namespaces {
		stream, err := p.settings.Servers.Streams().Stream(namespace)
		if err != nil {
			continue // nothing was sent there
		}
		added := p.added[stream]
		if added == 0 || added >= p.settings.MaxLen {
			continue
		}
		if n, err := p.redis.Client.XLen(ctx, stream).Result(); err == nil && n <= added {
			p.Warn("%s: %s", show.Quote(stream), outcome.NewStream)
			return
		}
	}
}

// resume says how to send the rest, and what that sends twice.
func (p *piper) resume(known *standing) string {
	if p.checkpoint != nil {
		return fmt.Sprintf("the same command continues with line %d", p.checkpoint.done.Line+1)
	}
	from, open := p.firstNotSent, known.firstOpen()
	if open == 0 || from > 0 && from < open {
		advice := fmt.Sprintf("resume with --from-line %d", from)
		if n := len(p.sentBehind); n > 0 {
			advice += fmt.Sprintf(", which sends %s after it again", show.Plural(n, "line"))
		}
		return advice
	}
	again := slices.Concat(known.open, p.sentBehind)
	slices.Sort(again)
	return fmt.Sprintf("resume with --from-line %d, which sends %s again", open, show.Plural(len(slices.Compact(again)), "line"))
}

func (p *piper) printSummary(lines, sent, rejected, notSent int64, known *standing) error {
	if p.json && !p.dryRun { // stdout has the commands then
		summary := struct {
			Lines int64 `json:"lines"`
			Sent  int64 `json:"sent"`
			// Confirmed is how many servers have taken, and Servers how many these are;
			// null where that cannot be known.
			Confirmed    *int64 `json:"confirmed"`
			Servers      *int   `json:"servers"`
			Rejected     int64  `json:"rejected"`
			NotSent      int64  `json:"notSent"`
			FirstNotSent *int64 `json:"firstNotSent"`
			// FirstNotConfirmed is that of the lines that were sent.
			FirstNotConfirmed *int64 `json:"firstNotConfirmed"`
			// Unsubscribed is how many went on the channel of a room to which
			// nobody subscribes; of the sharded adapter only.
			Unsubscribed *int64 `json:"unsubscribed,omitempty"`
		}{Lines: lines, Sent: sent, Rejected: rejected, NotSent: notSent}
		if known.isProven {
			summary.Confirmed, summary.Servers = &known.confirmed, &known.servers
		}
		if p.settings.Adapter == settings.Sharded {
			summary.Unsubscribed = &p.unsubscribed
		}
		if p.firstNotSent > 0 {
			summary.FirstNotSent = &p.firstNotSent
		}
		if open := known.firstOpen(); open > 0 {
			summary.FirstNotConfirmed = &open
		}
		if err := show.JSON(p.Out, summary); err != nil {
			return fmt.Errorf("%d of %s were sent, but the summary could not be printed: %w", sent, show.Plural(int(lines), "line"), err)
		}
		return nil
	}
	if p.quiet && sent == lines && known.err == nil {
		return nil
	}
	done := "sent"
	if p.dryRun {
		done = "printed"
	}
	confirmed := ""
	if known.isProven && (known.servers > 0 || known.err != nil) {
		confirmed = fmt.Sprintf("%d confirmed", known.confirmed)
		if known.servers > 0 {
			confirmed += " by " + show.Plural(known.servers, "server")
		}
		confirmed += ", "
	}
	p.Say("%s: %d %s, %s%d rejected, %d not %[3]s", show.Plural(int(lines), "line"), sent, done, confirmed, rejected, notSent)
	return nil
}
