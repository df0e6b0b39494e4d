package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
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
	case errors.As(sendErr, new(*tooLargeError)):
		return fmt.Errorf("line %d: %w; %s, or without it with --from-line %d", p.firstNotSent, sendErr, p.resume(), p.firstNotSent+1)
	case sendErr != nil:
		return fmt.Errorf("%w; line %d is the first not sent for certain: %s", sendErr, p.firstNotSent, p.resume())
	case readErr != nil:
		return readErr
	case rejected > 0:
		return usageError{fmt.Errorf("%d of %s rejected", rejected, plural(int(lines), "line"))}
	}
	return nil
}

// warnUnheard says in which namespaces nobody listens to what was sent. It asks
// about all of them at once, so that it takes one round trip.
func (p *piper) warnUnheard(io *emitter.Emitter) {
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
			unheardIn = append(unheardIn, quote(namespace))
		}
	}
	if len(unheardIn) > 0 {
		fmt.Fprintf(p.c.App.ErrWriter, "sioemit: warning: in namespace %s %s%s\n", strings.Join(unheardIn, ", "), unheard(p.c), more)
	}
	if err := cmp.Or(errs...); err != nil {
		fmt.Fprintf(p.c.App.ErrWriter, "sioemit: warning: the servers could not be counted: %s\n", errorText(explain(p.c, err)))
	}
}

// resume says how to send the rest, and what that sends twice.
func (p *piper) resume() string {
	advice := fmt.Sprintf("resume with --from-line %d", p.firstNotSent)
	if p.sentBehind > 0 {
		advice += fmt.Sprintf(", which sends %s behind it again", plural(p.sentBehind, "line"))
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
		}{lines, sent, rejected, notSent, nil}
		if p.firstNotSent > 0 {
			summary.FirstNotSent = &p.firstNotSent
		}
		if err := printJSON(p.c.App.Writer, summary); err != nil {
			return fmt.Errorf("%d of %s were sent, but the summary could not be printed: %w", sent, plural(int(lines), "line"), err)
		}
		return nil
	}
	if p.c.Bool("quiet") && sent == lines {
		return nil
	}
	fmt.Fprintf(p.c.App.ErrWriter, "sioemit: %s: %d %s, %d rejected, %d not %[3]s\n", plural(int(lines), "line"), sent, done, rejected, notSent)
	return nil
}
