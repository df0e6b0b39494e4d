// Package protocol decodes what Socket.IO servers and emitters tell each other
// through Redis: events, requests and replies, of every adapter. What is written
// there, package encoding makes.
package protocol
