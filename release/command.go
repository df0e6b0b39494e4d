package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/sioemit/sioemit/internal/version"
)

// target is a kind of machine.
type target struct {
	os, arch string // as Go has them
	name     string // of the machine in the names of files
	platform string // as Docker has it; empty: no image is made for it
	deb, rpm string // as Debian and Red Hat call the machine; empty: no package is made for it
}

var targets = []target{
	{"linux", "amd64", "amd64", "linux/amd64", "amd64", "x86_64"},
	{"linux", "arm64", "arm64", "linux/arm64", "arm64", "aarch64"},
	{"linux", "386", "386", "linux/386", "i386", "i386"},
	{"linux", "arm", "armv7", "linux/arm/v7", "armhf", "armv7hl"},
	{"darwin", "amd64", "amd64", "", "", ""},
	{"darwin", "arm64", "arm64", "", "", ""},
	{"windows", "amd64", "amd64", "", "", ""},
	{"windows", "arm64", "arm64", "", "", ""},
	{"freebsd", "amd64", "amd64", "", "", ""},
	{"freebsd", "arm64", "arm64", "", "", ""},
}

// command makes all that is published of the command: archives, packages, what
// an image is built from, what package managers read, and the list of what is in
// it.
func (r *release) command(targets []target) error {
	stage, err := os.MkdirTemp("", "sioemit-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(stage)
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	manual, err := r.manual(stage)
	if err != nil {
		return err
	}
	image, err := r.imageFiles()
	if err != nil {
		return err
	}
	for _, t := range targets {
		fmt.Println("building for", t.os, t.name)
		binary, err := r.build(t, filepath.Join(stage, t.os+"_"+t.name))
		if err != nil {
			return err
		}
		if err := r.archive(t, append([]file{binary}, manual...)); err != nil {
			return err
		}
		if t.deb != "" {
			if err := r.packages(t, stage, append([]file{binary}, manual...)); err != nil {
				return err
			}
		}
		if t.platform != "" {
			image = append(image, file{t.platform + "/sioemit", binary.content, 0o755})
		}
	}
	if err := r.tar(name("_image.tar.gz"), image); err != nil {
		return err
	}
	if err := r.managers(targets); err != nil {
		return err
	}
	return r.bill(filepath.Join(stage, targets[0].os+"_"+targets[0].name, "sioemit"))
}

// build compiles the command, with the commit in it, and without anything that
// differs between two machines with the same toolchain.
func (r *release) build(t target, folder string) (file, error) {
	base := "sioemit"
	if t.os == "windows" {
		base += ".exe"
	}
	path := filepath.Join(folder, base)
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -X github.com/sioemit/sioemit/internal/version.Commit="+r.commit, "-o", path, "./cmd/sioemit")
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT=", "GOOS="+t.os, "GOARCH="+t.arch, "GOAMD64=v1", "GOARM64=v8.0", "GO386=sse2", "GOARM=7")
	if _, err := output(cmd); err != nil {
		return file{}, err
	}
	content, err := os.ReadFile(path)
	return file{base, content, 0o755}, err
}

// manual is what goes with the command everywhere: its manual page and its
// completions, as it prints them, the licence, and what to read.
func (r *release) manual(stage string) ([]file, error) {
	here := target{os: runtime.GOOS, arch: runtime.GOARCH}
	binary, err := r.build(here, filepath.Join(stage, "here"))
	if err != nil {
		return nil, err
	}
	var files []file
	for _, f := range []struct {
		name  string
		words []string
	}{
		{"man/sioemit.1", []string{"man"}},
		{"completions/sioemit.bash", []string{"completion", "bash"}},
		{"completions/_sioemit", []string{"completion", "zsh"}},
		{"completions/sioemit.fish", []string{"completion", "fish"}},
	} {
		text, err := output(exec.Command(filepath.Join(stage, "here", binary.name), f.words...))
		if err != nil {
			return nil, err
		}
		files = append(files, file{f.name, []byte(text), 0o644})
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		text, err := os.ReadFile(filepath.Join(r.root, name))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, text, 0o644})
	}
	return files, nil
}

// bill lists the modules in the command for those who look after what they run,
// in the format of CycloneDX. They are the same for every target.
func (r *release) bill(binary string) error {
	_, err := output(exec.Command("go", "tool", "cyclonedx-gomod", "bin", "-json", "-noserial", "-notimestamp", "-std",
		"-version", "v"+version.Number, "-output", filepath.Join(r.out, name(".cdx.json")), binary))
	return err
}
