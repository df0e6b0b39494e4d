// Package wire reads and writes the two forms of a message, MessagePack and JSON,
// as the official packages do, and names the numbers that messages have.
package wire
