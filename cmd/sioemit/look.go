package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

func socketsCommand() *commandline.Command {
	flags := append(targetFlags(),
		&cli.BoolFlag{Name: "handshake", DisableDefaultText: true, Category: commandline.OutputCategory, Usage: "show how they connected, with their cookies and tokens"}, commandline.JSONFlag(nil))
	return &commandline.Command{
		Name:  "sockets",
		Usage: "list the clients connected",
		Description: `   sioemit sockets                            a table: id, rooms, data
   sioemit sockets --room user:7 --json       a JSON object per client
   sioemit sockets --json --handshake | jq -r .handshake.address

A server whose socket.data is circular ends when it is asked, as it does when
another server calls fetchSockets().`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:  commandline.NoAnswer,
			commandline.StatusUsage:   commandline.BadUsage,
			commandline.StatusReplies: commandline.TimeIsOut,
		},
		Flags: flags,
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return ask(c, func(op *emitter.BroadcastOperator) error {
				sockets, err := op.FetchSockets(c.Context)
				slices.SortFunc(sockets, func(a, b emitter.Socket) int { return cmp.Compare(a.ID, b.ID) })
				return errors.Join(printSockets(c, sockets), err)
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

func printSockets(c *cli.Context, sockets []emitter.Socket) error {
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	if !c.Bool("json") && len(sockets) > 0 {
		header := "ID\tROOMS\tDATA"
		if c.Bool("handshake") {
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
		shown := shownSocket{ID: s.ID, Rooms: orEmpty(settings.Rooms(names, s.NumberRooms)), Data: json.RawMessage(data)}
		if c.Bool("handshake") {
			shown.Handshake = &s.Handshake
		}
		if c.Bool("json") {
			if err := show.JSON(c.App.Writer, shown); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s", show.Quote(s.ID), show.Rooms(shown.Rooms), show.Visible(data))
		if c.Bool("handshake") {
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
	_, err := io.WriteString(c.App.Writer, text.String())
	return err
}

func roomsCommand() *commandline.Command {
	return &commandline.Command{
		Name:  "rooms",
		Usage: "list the rooms of a namespace",
		Description: `Each client is also in a room of its own id.

   sioemit rooms                a room a line; quoted if it cannot be printed,
                                and one that is a number as 5 (number)
   sioemit rooms -n admin --json

The servers of the sharded and the streams adapter are asked for their sockets:
see sioemit sockets --help.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:  commandline.NoAnswer,
			commandline.StatusUsage:   commandline.BadUsage,
			commandline.StatusReplies: commandline.TimeIsOut,
		},
		Flags: []cli.Flag{commandline.JSONFlag(nil)},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			return ask(c, func(op *emitter.BroadcastOperator) error {
				rooms, err := allRooms(c.Context, op)
				if c.Bool("json") && hasAnswer(err, len(rooms)) {
					return errors.Join(show.JSON(c.App.Writer, orEmpty(rooms)), err)
				}
				var text strings.Builder
				for _, room := range rooms {
					fmt.Fprintln(&text, show.RoomLine(room))
				}
				_, printErr := io.WriteString(c.App.Writer, text.String())
				return errors.Join(printErr, err)
			})
		},
	}
}

// allRooms returns the rooms that are text, then those that are numbers.
func allRooms(ctx context.Context, op *emitter.BroadcastOperator) ([]encoding.Room, error) {
	var names []string
	var numbers []float64
	var namesErr, numbersErr error
	var group sync.WaitGroup
	group.Go(func() { names, namesErr = op.Rooms(ctx) })
	group.Go(func() { numbers, numbersErr = op.NumberRooms(ctx) })
	group.Wait()
	return settings.Rooms(names, numbers), cmp.Or(namesErr, numbersErr)
}

func serversCommand() *commandline.Command {
	return &commandline.Command{
		Name:  "servers",
		Usage: "count the servers that listen",
		Description: `   sioemit servers              prints the number
   sioemit servers --require 3  exit 3 if there are fewer

A sioemit listen on the sharded adapter is counted as one of them, and one with
--sharded-pubsub --requests, because Redis knows nothing but who has subscribed;
doctor tells them apart.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoRedis,
			commandline.StatusUsage:     commandline.BadUsage,
			commandline.StatusListeners: commandline.TooFew,
		},
		Flags: []cli.Flag{&cli.IntFlag{Name: "require", Usage: "exit with 3 if fewer than `N` servers listen on the namespace"}, commandline.JSONFlag(nil)},
		Action: func(c *cli.Context) error {
			if err := noArguments(c); err != nil {
				return err
			}
			if err := checkRequire(c); err != nil {
				return err
			}
			return ask(c, func(op *emitter.BroadcastOperator) error {
				servers, err := op.ServerCount(c.Context)
				if err != nil {
					return err
				}
				if c.Bool("json") {
					err = show.JSON(c.App.Writer, struct {
						Servers int `json:"servers"`
					}{servers})
				} else {
					_, err = fmt.Fprintln(c.App.Writer, servers)
				}
				if err != nil {
					return err
				}
				if required := c.Int("require"); servers < required {
					return commandline.Listenersf("%s, %d required", listen(servers), required)
				}
				if servers == 0 {
					fmt.Fprintf(c.App.ErrWriter, "sioemit: warning: no server listens there: %s\n", whatToCheck)
				}
				return nil
			})
		},
	}
}
