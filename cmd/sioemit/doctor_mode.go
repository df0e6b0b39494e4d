package main

// checkMode compares --subscription-mode with the channels of rooms. Servers in
// static mode have none, but so do others while no client is in a room.
func (p *patient) checkMode(here *group) {
	switch {
	case p.mode == "static":
		p.ok("subscription-mode", "--subscription-mode static reaches servers in any mode.")
	case here.rooms > 0 && here.ids == 0 && p.mode == "dynamic-private":
		flags := []string{"--subscription-mode", "dynamic"}
		p.fail("subscription-mode", "Sockets have no channel of their own here: the servers' subscriptionMode is dynamic, and events to a single socket id would be lost.",
			p.addFlags(flags), flags...)
	case here.rooms+here.ids > 0:
		p.ok("subscription-mode", "Rooms have channels of their own here, as --subscription-mode "+string(p.mode)+" expects.")
	case len(p.rooms) == 0:
		p.warn("subscription-mode", "No room has a channel of its own. Either no client is in a room now, or the servers' subscriptionMode is static: then events to a room are lost.",
			"Run doctor again with --room ROOM, for a room with clients in it. --subscription-mode static reaches servers in any mode.")
	}
}
