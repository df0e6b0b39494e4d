package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/driver"
)

func buildGoDriver(t *testing.T) string {
	binary := filepath.Join(t.TempDir(), "driver")
	if out, err := exec.Command("go", "build", "-o", binary, "./go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// brokenDriver is the driver of the Go library with one fault: it changes what
// goes to it and what comes back.
func brokenDriver(fault string) int {
	if err := breakDriver(fault); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func breakDriver(fault string) error {
	cmd := exec.Command(os.Getenv("CONFORMANCE_DRIVER"), os.Args[1:]...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	in, out := bufio.NewReader(os.Stdin), bufio.NewReader(stdout)
	hello, err := out.ReadBytes('\n')
	if err != nil {
		return err
	}
	if fault == "feature" {
		hello = bytes.ReplaceAll(hello, []byte(`"pipeline"`), []byte(`"pipes"`))
	}
	os.Stdout.Write(hello)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			break
		}
		asked := line
		switch fault {
		case "byte":
			asked = bytes.ReplaceAll(line, []byte(`"ev"`), []byte(`"ew"`))
		case "except":
			asked = bytes.ReplaceAll(line, []byte(`[["except","a"],["except","b"]]`), []byte(`[]`))
		case "room":
			asked = bytes.ReplaceAll(line, []byte(`,["to","b"]`), nil)
		case "namespace":
			asked = bytes.ReplaceAll(line, []byte(`[["of","/a"],["of","/b"]]`), []byte(`[]`))
		case "binary":
			asked = bytes.ReplaceAll(line, []byte(`{"$binary":"AQ=="}`), []byte(`"AQ=="`))
		case "end":
			asked = bytes.ReplaceAll(line, []byte(`,"after":{"call":["emit","late"]}`), nil)
		case "ids":
			asked = bytes.ReplaceAll(line, []byte(`,"socketIds":"user-[0-9]+"`), nil)
		case "order":
			asked = bytes.ReplaceAll(line, []byte(`{"call":["emit","a"]},`), nil)
			asked = bytes.ReplaceAll(asked, []byte(`["emit","c"]}`), []byte(`["emit","c"]},{"call":["emit","a"]}`))
		}
		if strings.HasPrefix(fault, confirmFault) {
			answer, err := breakSequence(fault, line, func(line []byte) ([]byte, error) { return exchange(stdin, out, line, false) })
			if err != nil {
				return err
			}
			os.Stdout.Write(answer)
			continue
		}
		answer, err := exchange(stdin, out, asked, fault == "silent")
		if err == nil && fault == "twice" {
			answer, err = exchange(stdin, out, asked, false)
		}
		if err != nil {
			return err
		}
		os.Stdout.Write(falsify(fault, answer))
		if fault == "late" {
			if _, err := exchange(stdin, out, asked, false); err != nil {
				return err
			}
		}
	}
	stdin.Close()
	return cmd.Wait()
}

// exchange has the driver make a call; unmade, it only claims that it did.
func exchange(stdin interface{ Write([]byte) (int, error) }, out *bufio.Reader, line []byte, unmade bool) ([]byte, error) {
	if unmade {
		var a driver.Call
		if err := json.Unmarshal(line, &a); err != nil {
			return nil, err
		}
		return fmt.Appendf(nil, "{\"id\":%d,\"ok\":true}\n", a.ID), nil
	}
	if _, err := stdin.Write(line); err != nil {
		return nil, err
	}
	return out.ReadBytes('\n')
}

// falsify changes an answer.
func falsify(fault string, line []byte) []byte {
	var a driver.Answer
	if err := json.Unmarshal(line, &a); err != nil {
		return line
	}
	switch fault {
	case "swallow":
		a = driver.Answer{ID: a.ID, OK: true}
	case "password":
		a.Message += " " + password
	case "count":
		a.Result = json.RawMessage("4")
	case "skip":
		a = driver.Answer{ID: a.ID, Skip: "no time"}
	case "wrong error":
		a.Error = "reserved-event"
	case "refuses":
		a = driver.Answer{ID: a.ID, Error: "redis", Message: "no"}
	default:
		return line
	}
	line, err := json.Marshal(a)
	if err != nil {
		return nil
	}
	return append(line, '\n')
}
