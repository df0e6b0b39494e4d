package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/sioemit/sioemit/internal/version"
)

// packages writes the packages for Debian and for Red Hat, and what is derived
// from them. nfpm.yaml says what goes where.
func (r *release) packages(t target, stage string, files []file) error {
	root := filepath.Join(stage, t.os+"_"+t.name, "package")
	for _, f := range files {
		if f.name == "man/sioemit.1" || f.name == "CHANGELOG.md" {
			compressed, err := compress(f.content)
			if err != nil {
				return err
			}
			f = file{f.name + ".gz", compressed, f.mode}
		}
		path := filepath.Join(root, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.content, f.mode); err != nil {
			return err
		}
		if err := os.Chtimes(path, r.time, r.time); err != nil {
			return err
		}
	}
	for packager, suffix := range map[string]string{"deb": "_" + t.deb + ".deb", "rpm": "_" + t.rpm + ".rpm"} {
		cmd := exec.Command("go", "tool", "nfpm", "package", "--config", "nfpm.yaml", "--packager", packager, "--target", filepath.Join(r.out, name(suffix)))
		arch := map[string]string{"deb": t.deb, "rpm": t.rpm}[packager]
		cmd.Env = append(os.Environ(), "VERSION="+version.Number, "ARCH="+arch, "MAINTAINER="+r.maintainer, "ROOT="+root)
		if _, err := output(cmd); err != nil {
			return err
		}
	}
	return nil
}

// compress is gzip as Debian wants it: as small as it gets, and without a time.
func compress(content []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
