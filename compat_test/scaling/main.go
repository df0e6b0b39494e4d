// Command scaling measures what one Emit costs on a Redis Cluster, for each adapter and for more and more nodes, and
// writes docs/scaling.svg and the table in docs/scaling.md:
//
//	go run ./compat_test/scaling
//
// It needs redis-server and nothing else; the servers are played by bare subscribers. It takes about a minute.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "scaling:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var all []result
	for _, size := range sizes {
		results, err := measure(ctx, size)
		if err != nil {
			return err
		}
		for _, r := range results {
			fmt.Printf("%-7s %2d masters, %d replicas: %4.0f µs, %4.0f µs of CPU, %6.0f bytes written, %4.1f messages between nodes\n",
				r.adapter, r.size.masters, r.size.masters*r.size.replicas, r.latency, r.cpu, r.written, r.messages)
		}
		all = append(all, results...)
	}
	_, file, _, _ := runtime.Caller(0)
	docs := filepath.Join(filepath.Dir(file), "..", "..", "docs")
	if err := os.WriteFile(filepath.Join(docs, "scaling.svg"), []byte(draw(all)), 0o644); err != nil {
		return err
	}
	page := filepath.Join(docs, "scaling.md")
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	if text, err = replaceTable(text, table(all)); err != nil {
		return fmt.Errorf("%s: %w", page, err)
	}
	return os.WriteFile(page, text, 0o644)
}

// The table stands between these lines of docs/scaling.md.
const (
	tableStart = "<!-- go run ./compat_test/scaling writes this table and the picture -->\n"
	tableEnd   = "<!-- end of the table -->\n"
)

func replaceTable(page []byte, table string) ([]byte, error) {
	before, rest, ok := bytes.Cut(page, []byte(tableStart))
	_, after, ends := bytes.Cut(rest, []byte(tableEnd))
	if !ok || !ends {
		return nil, fmt.Errorf("the lines %q and %q are missing", tableStart, tableEnd)
	}
	return []byte(string(before) + tableStart + "\n" + table + "\n" + tableEnd + string(after)), nil
}

func table(results []result) string {
	var b bytes.Buffer
	b.WriteString("| Redis nodes | adapter | one `Emit` takes | CPU of all nodes | bytes that all nodes write | messages between nodes |\n")
	b.WriteString("|---|---|---|---|---|---|\n")
	for _, r := range results {
		nodes := fmt.Sprint(r.size.nodes())
		if r.size.replicas > 0 {
			nodes = fmt.Sprintf("%d (%d of them replicas)", r.size.nodes(), r.size.masters*r.size.replicas)
		}
		fmt.Fprintf(&b, "| %s | %s | %.0f µs | %.0f µs | %.0f | %.0f |\n", nodes, r.adapter, r.latency, r.cpu, r.written, r.messages)
	}
	return b.String()
}
