package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// machine is where and with what the figures came to be.
type machine struct {
	cpu      string
	cores    int
	commit   string // "" where git does not know
	versions []string
}

func (b *bench) lookAtMachine() (machine, error) {
	m := machine{cpu: cpuModel(), cores: runtime.NumCPU()}
	m.commit = firstLine(exec.CommandContext(b.ctx, "git", "describe", "--always", "--dirty"))
	m.versions = append(m.versions, version("Go", strings.TrimPrefix(runtime.Version(), "go")))
	info, err := b.rdb.Info(b.ctx, "server").Result()
	if err != nil {
		return m, err
	}
	_, redisVersion, _ := strings.Cut(info, "redis_version:")
	redisVersion, _, _ = strings.Cut(redisVersion, "\r")
	m.versions = append(m.versions, version("Redis", redisVersion))
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if name, ok := strings.CutPrefix(module.Path, "github.com/"); ok && (name == "redis/go-redis/v9" || name == "vmihailenco/msgpack/v5") {
				m.versions = append(m.versions, version(name, module.Version))
			}
		}
	}
	m.versions = append(m.versions, version("Node.js", firstLine(exec.CommandContext(b.ctx, "node", "--version"))))
	for _, name := range []string{"@socket.io/redis-emitter", "redis", "ioredis", "notepack.io"} {
		var manifest struct{ Version string }
		text, err := os.ReadFile(filepath.Join("node", "node_modules", filepath.FromSlash(name), "package.json"))
		if err == nil {
			err = json.Unmarshal(text, &manifest)
		}
		if err != nil {
			return m, fmt.Errorf("the npm package %s, run `npm ci` in bench/node: %w", name, err)
		}
		if name == "redis" {
			name = "node-redis"
		}
		m.versions = append(m.versions, version(name, manifest.Version))
	}
	return m, nil
}

// cpuModel is the name of the processor, or of its kind where that is not known.
func cpuModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				return strings.TrimSpace(model)
			}
		}
	}
	return runtime.GOOS + "/" + runtime.GOARCH
}

// firstLine is what a command prints, or "" when it fails.
func firstLine(cmd *exec.Cmd) string {
	output, err := cmd.Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(output), "\n")
	return strings.TrimSpace(line)
}

// String describes the machine in a sentence or two.
func (m machine) String() string {
	text := fmt.Sprintf("%d cores, %s; %s", m.cores, m.cpu, strings.Join(m.versions, ", "))
	if m.commit != "" {
		text += "; sioemit at " + m.commit
	}
	return text + "."
}
