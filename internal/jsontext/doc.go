// Package jsontext turns JSON text into MessagePack, with its members in the order in
// which JavaScript would have them.
package jsontext
