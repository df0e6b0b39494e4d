package decode

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/sioemit/sioemit/internal/event"
)

var (
	monitorLine  = regexp.MustCompile(`^[0-9]+\.[0-9]+ \[[0-9]+ .*?\] (".*)$`)
	monitorStart = regexp.MustCompile(`(?m)^[0-9]+\.[0-9]+ \[[0-9]+ `)
)

// readMonitor finds the messages in the output of MONITOR, however long it is,
// and passes each on at once. There are the commands of everybody in it, and its
// first and last line may be cut off: what cannot be read, or is not the
// sending of an adapter, is skipped and counted; commands that send nothing are
// left out.
func readMonitor(in *bufio.Reader, take func(capture) error) (skipped int, err error) {
	found := false
	for {
		text, err := event.ReadLine(in)
		if err != nil && err != io.EOF && !errors.Is(err, event.ErrLongLine) {
			return skipped, err
		}
		captured, ok, isOther := fromMonitor(strings.TrimRight(string(text), "\r\n"))
		if isOther || errors.Is(err, event.ErrLongLine) {
			skipped++
		}
		if ok {
			found = true
			if err := take(captured); err != nil {
				return skipped, err
			}
		}
		if err == io.EOF {
			break
		}
	}
	if !found {
		return skipped, fmt.Errorf("nothing in there was sent by an adapter; %w", errNoForm)
	}
	return skipped, nil
}

// fromMonitor reads a line of MONITOR. Without ok there is no message of an
// adapter in it; isOther says that there may be, or something that another
// program has sent.
func fromMonitor(line string) (captured capture, ok, isOther bool) {
	if line == "" || line == "OK" {
		return capture{}, false, false
	}
	match := monitorLine.FindStringSubmatch(line)
	if match == nil {
		return capture{}, false, true
	}
	words, err := splitWords(match[1])
	if err != nil {
		return capture{}, false, true
	}
	if !isSending(words[0]) {
		return capture{}, false, false
	}
	captured, _, err = fromCommand(words)
	// The channels of all adapters have the namespace in them.
	ok = err == nil && (captured.command == "XADD" && slices.Contains(captured.fields, "nsp") || captured.command != "XADD" && strings.Contains(captured.channel, "#/"))
	return captured, ok, !ok
}
