package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// node is a Node.js process that does work when asked. It stays for all
// rounds, so that its code is compiled and its connection open.
type node struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr bytes.Buffer
}

// answer is what the process says about a piece of work.
type answer struct {
	NS      int64  `json:"ns"`
	Message []byte `json:"message"`
}

func (b *bench) startNode(args ...string) (*node, error) {
	n := &node{cmd: b.nodeCommand(args...)}
	n.cmd.Stderr = &n.stderr
	var err error
	if n.stdin, err = n.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := n.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	n.stdout = bufio.NewReader(stdout)
	return n, n.cmd.Start()
}

// nodeCommand runs a script in node/, which finds Redis in its environment.
func (b *bench) nodeCommand(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(b.ctx, "node", args...)
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), "NODE_ENV=production", "SIOEMIT_REDIS_URL="+b.url)
	return cmd
}

// ask has work done n times.
func (n *node) ask(count, batch int) (answer, error) {
	var a answer
	_, err := fmt.Fprintf(n.stdin, `{"n":%d,"batch":%d}`+"\n", count, batch)
	var line []byte
	if err == nil {
		line, err = n.stdout.ReadBytes('\n')
	}
	if err == nil {
		err = json.Unmarshal(line, &a)
	}
	if err != nil {
		n.close() // and then all of stderr is there
		return a, fmt.Errorf("node: %w\n%s", err, n.stderr.Bytes())
	}
	return a, nil
}

// run is a contestant's run. The clock is that of the process.
func (n *node) run(batch int) func(n int) (time.Duration, error) {
	return func(count int) (time.Duration, error) {
		a, err := n.ask(count, batch)
		return time.Duration(a.NS), err
	}
}

// bestBatch finds out how many emits should go between two waits for Redis.
func (n *node) bestBatch(b *bench) (int, error) {
	sizes := []int{100, 200, 500, perPipeline, 2000, 5000}
	count := quickly(b, sizes[len(sizes)-1], 10000)
	if _, err := n.ask(count, perPipeline); err != nil { // compiles the code
		return 0, err
	}
	best, fastest := 0, int64(0)
	for range 2 {
		for _, size := range sizes {
			a, err := n.ask(count, size)
			if err != nil {
				return 0, err
			}
			if best == 0 || a.NS < fastest {
				best, fastest = size, a.NS
			}
		}
	}
	return best, nil
}

func (n *node) close() {
	_ = n.stdin.Close()
	_ = n.cmd.Wait()
}
