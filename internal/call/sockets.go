package call

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// Sockets is the command sockets.
func Sockets(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	var o options
	var target settings.TargetFlags
	var handshake bool
	return &commandline.Command{
		Name:  "sockets",
		Usage: "list the connected clients",
		Description: `   sioemit sockets                            a table: id, rooms, data
   sioemit sockets --room user:7 --json       a JSON object per client
   sioemit sockets --json --handshake | jq -r .handshake.address

A server whose socket.data is circular crashes when it is asked, as it does when
another server calls fetchSockets().`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:  commandline.NoAnswer,
			commandline.StatusUsage:   commandline.BadUsage,
			commandline.StatusReplies: commandline.TimeIsOut,
		},
		Flags: append(target.Rooms(),
			&cli.BoolFlag{Name: "handshake", Destination: &handshake, Category: commandline.OutputCategory, Usage: "show how they connected, with their cookies and tokens"},
			commandline.JSONFlag(&o.json)),
		Run: func(ctx context.Context, _ []string) error {
			if err := o.parse(ctx, "sockets", p, flags, &target); err != nil {
				return err
			}
			return o.ask(ctx, func(ctx context.Context, _ *connect.Redis, op *emitter.BroadcastOperator) error {
				sockets, err := op.FetchSockets(ctx)
				slices.SortFunc(sockets, func(a, b emitter.Socket) int { return cmp.Compare(a.ID, b.ID) })
				return errors.Join(printSockets(o.Out, sockets, o.json, handshake), err)
			})
		},
	}
}

// shownSocket is a socket as JSON.
type shownSocket struct {
	ID        string             `json:"id"`
	Rooms     []encoding.Room    `json:"rooms"`
	Data      json.RawMessage    `json:"data"`
	Handshake *emitter.Handshake `json:"handshake,omitempty"`
}

func printSockets(w io.Writer, sockets []emitter.Socket, asJSON, handshake bool) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	if !asJSON && len(sockets) > 0 {
		header := "ID\tROOMS\tDATA"
		if handshake {
			header += "\tHANDSHAKE"
		}
		fmt.Fprintln(table, header)
	}
	for _, s := range sockets {
		data, err := s.Data.TaggedJSON()
		if err != nil {
			return err
		}
		// Each socket is in the room of its own id, which says nothing.
		names := slices.DeleteFunc(slices.Clone(s.Rooms), func(room string) bool { return room == s.ID })
		shown := shownSocket{ID: s.ID, Rooms: show.OrEmpty(settings.Rooms(names, s.NumberRooms)), Data: json.RawMessage(data)}
		if handshake {
			shown.Handshake = &s.Handshake
		}
		if asJSON {
			if err := show.JSON(w, shown); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s", show.Quote(s.ID), show.Rooms(shown.Rooms), show.Visible(data))
		if handshake {
			var b strings.Builder
			if err := show.JSON(&b, s.Handshake); err != nil {
				return err
			}
			fmt.Fprintf(table, "\t%s", strings.TrimSpace(b.String()))
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, text.String())
	return err
}
