package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/show"
)

// finish prints the summary and returns the error that the exit status comes
// from.
func (p *piper) finish(readErr, sendErr error) error {
	queued, sent, rejected := p.queued.Load(), p.sent.Load(), p.rejected.Load()
	lines, notSent := queued+rejected, queued-sent
	if waiting := p.queue.waiting(); p.firstNotSent == 0 && notSent > 0 && len(waiting) > 0 {
		p.firstNotSent = waiting[0]
	}
	interrupted := p.c.Context.Err() != nil
	if interrupted && p.firstNotSent == 0 {
		p.firstNotSent = p.next.Load()
	}
	if err := p.printSummary(lines, sent, rejected, notSent); err != nil {
		return err
	}
	switch {
	case interrupted:
		fmt.Fprintln(p.c.App.ErrWriter, "sioemit: "+p.resume())
		return p.c.Context.Err()
	case sendErr != nil && p.c.Bool("dry-run"):
		return sendErr
	case errors.As(sendErr, new(*connect.TooLargeError)):
		return fmt.Errorf("line %d: %w; %s, or without it with --from-line %d", p.firstNotSent, sendErr, p.resume(), p.firstNotSent+1)
	case sendErr != nil:
		return fmt.Errorf("%w; line %d is the first not sent for certain: %s", sendErr, p.firstNotSent, p.resume())
	case readErr != nil:
		return readErr
	case rejected > 0:
		return commandline.Usagef("%d of %s rejected", rejected, show.Plural(int(lines), "line"))
	}
	return nil
}

// warnUnheard says in which namespaces nobody listens to what was sent. It asks
// about all of them at once, so that it takes one round trip.
func (p *piper) warnUnheard(client redis.UniversalClient, io *emitter.Emitter) {
	ctx, cancel := context.WithTimeout(p.c.Context, p.c.Duration("timeout"))
	defer cancel()
	var namespaces []string
	for namespace := range p.namespaces {
		namespaces = append(namespaces, encoding.Namespace(namespace))
	}
	slices.Sort(namespaces)
	namespaces = slices.Compact(namespaces) // admin is /admin
	more := ""
	if len(p.namespaces) > maxNamespaces {
		namespaces, more = namespaces[:min(len(namespaces), maxNamespaces)], fmt.Sprintf(" (%d namespaces were looked at)", maxNamespaces)
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
		fmt.Fprintf(p.c.App.ErrWriter, "sioemit: warning: in namespace %s %s%s\n", strings.Join(unheardIn, ", "), unheard(p.c), more)
	} else {
		p.warnUnread(ctx, client, namespaces)
	}
	if err := cmp.Or(errs...); err != nil {
		fmt.Fprintf(p.c.App.ErrWriter, "sioemit: warning: the servers could not be counted: %s\n", connect.ErrorText(explain(p.c, err)))
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
	if !ok || p.c.String("adapter") != "sharded" || !isRoomChannel(p.c, fmt.Sprint(sent.Args()[1])) {
		return
	}
	if sent.Val() == 0 {
		p.unsubscribed++
	} else {
		p.subscribed++
	}
}

// warnUnread says what it can mean that servers listen on the namespaces and all
// the same did not get what was sent: no event to a single room found a
// subscriber, where one that did would show that the mode is right; or a stream
// holds nothing but what was sent.
func (p *piper) warnUnread(ctx context.Context, client redis.UniversalClient, namespaces []string) {
	if p.unsubscribed > 0 && p.subscribed == 0 {
		fmt.Fprintf(p.c.App.ErrWriter, "sioemit: warning: nobody received %s to a single room: no client is in these rooms, or %s\n", show.Plural(int(p.unsubscribed), "event"), otherMode(p.c))
	}
	if p.c.String("adapter") != "streams" {
		return
	}
	for _, namespace := range namespaces {
		stream, err := streamsFormat(p.c).Stream(namespace)
		if err != nil {
			continue // nothing was sent there
		}
		added := p.added[stream]
		if added == 0 || added >= p.c.Int64("max-len") {
			continue
		}
		if n, err := client.XLen(ctx, stream).Result(); err == nil && n <= added {
			fmt.Fprintf(p.c.App.ErrWriter, "sioemit: warning: %s: %s\n", show.Quote(stream), newStream)
			return
		}
	}
}

// resume says how to send the rest, and what that sends twice.
func (p *piper) resume() string {
	advice := fmt.Sprintf("resume with --from-line %d", p.firstNotSent)
	if p.sentBehind > 0 {
		advice += fmt.Sprintf(", which sends %s behind it again", show.Plural(p.sentBehind, "line"))
	}
	return advice
}

func (p *piper) printSummary(lines, sent, rejected, notSent int64) error {
	done, dryRun := "sent", p.c.Bool("dry-run")
	if dryRun {
		done = "printed"
	}
	if p.c.Bool("json") && !dryRun { // stdout has the commands then
		summary := struct {
			Lines        int64  `json:"lines"`
			Sent         int64  `json:"sent"`
			Rejected     int64  `json:"rejected"`
			NotSent      int64  `json:"notSent"`
			FirstNotSent *int64 `json:"firstNotSent"`
			// Unsubscribed is how many went on the channel of a room to which
			// nobody subscribes; of the sharded adapter only.
			Unsubscribed *int64 `json:"unsubscribed,omitempty"`
		}{lines, sent, rejected, notSent, nil, nil}
		if p.c.String("adapter") == "sharded" {
			summary.Unsubscribed = &p.unsubscribed
		}
		if p.firstNotSent > 0 {
			summary.FirstNotSent = &p.firstNotSent
		}
		if err := show.JSON(p.c.App.Writer, summary); err != nil {
			return fmt.Errorf("%d of %s were sent, but the summary could not be printed: %w", sent, show.Plural(int(lines), "line"), err)
		}
		return nil
	}
	if p.c.Bool("quiet") && sent == lines {
		return nil
	}
	fmt.Fprintf(p.c.App.ErrWriter, "sioemit: %s: %d %s, %d rejected, %d not %[3]s\n", show.Plural(int(lines), "line"), sent, done, rejected, notSent)
	return nil
}
