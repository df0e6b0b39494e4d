package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"debug/buildinfo"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/version"
)

// folder is where the tests make releases.
var folder string

func TestMain(m *testing.M) {
	var err error
	if folder, err = os.MkdirTemp("", "sioemit-releases-"); err != nil {
		panic(err)
	}
	status := m.Run()
	os.RemoveAll(folder)
	os.Exit(status)
}

// here is what is released for this machine.
func here(t *testing.T) target {
	t.Helper()
	at := slices.IndexFunc(targets, func(t target) bool { return t.os == runtime.GOOS && t.arch == runtime.GOARCH })
	if at < 0 {
		t.Fatalf("nothing is released for %s on %s", runtime.GOOS, runtime.GOARCH)
	}
	return targets[at]
}

// made makes what is released of the command for this machine, once for each name.
func made(t *testing.T, name string) *release {
	t.Helper()
	r := &release{root: "..", out: filepath.Join(folder, name), maintainer: "Nobody <nobody@localhost>"}
	if err := r.readCommit(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(r.out); err == nil {
		return r
	}
	if err := r.command([]target{here(t)}); err != nil {
		t.Fatal(err)
	}
	return r
}

// asRoot runs a command that only root may.
func asRoot(t *testing.T, words ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		words = append([]string{"sudo"}, words...)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Minute) // cleaning up needs it, too
	defer cancel()
	out, err := output(exec.CommandContext(ctx, words[0], words[1:]...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// emptyFolder makes a folder for root's files.
func emptyFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sioemit-root-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { asRoot(t, "rm", "-rf", "--one-file-system", dir) })
	return dir
}

// bare is an archive of a Debian that has dpkg and what dpkg runs, and nothing
// else. It is fetched once, and kept where the user's caches are.
func bare(t *testing.T) string {
	t.Helper()
	// That of this machine, whose keys it has.
	suite, err := output(exec.Command("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME"))
	if err != nil {
		t.Fatal(err)
	}
	suite = strings.TrimSpace(suite)
	caches, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(caches, "sioemit-bare-"+suite+".tar")
	if _, err := os.Stat(archive); err == nil {
		return archive
	}
	if err := os.MkdirAll(caches, 0o755); err != nil {
		t.Fatal(err)
	}
	fetched := filepath.Join(emptyFolder(t), "bare.tar")
	asRoot(t, "mmdebstrap", "--quiet", "--variant=extract", "--components=main", "--include=dpkg,dash,coreutils,diffutils,libc-bin,tar", suite, fetched)
	asRoot(t, "mv", fetched, archive)
	return archive
}

// TestInstall installs what is released in roots that have nothing else, no Go
// above all, and emits from there to a client of a real server.
func TestInstall(t *testing.T) {
	harness.NeedServers(t)
	r, here := made(t, "first"), here(t)
	server := harness.RedisFor(t, harness.RedisConfig{})
	node := harness.NodeFor(t, harness.NodeConfig{Server: harness.V4.Server, Adapter: harness.RedisAdapter8, Redis: server.Conn()})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	client, err := harness.ClientsFor(t, harness.V4).Connect(ctx, harness.ConnectOptions{Node: node})
	if err != nil {
		t.Fatal(err)
	}
	commit, err := output(exec.Command("git", "rev-parse", "HEAD"))
	if err != nil {
		t.Fatal(err)
	}
	// emits runs the command in a root, by the words of chroot, and has the client
	// get what it sends.
	emits := func(t *testing.T, root ...string) {
		t.Helper()
		before := len(client.Events())
		sioemit := append([]string{"chroot"}, root...)
		asRoot(t, append(sioemit, "emit", "--redis", server.URL(), "--require", "1", "hello", t.Name())...)
		if err := client.Await(ctx, func(events []harness.Event) bool { return len(events) > before }); err != nil {
			t.Fatal(err)
		}
		if e := client.Events()[before:]; len(e) != 1 || e[0].Name != "hello" || len(e[0].Args) != 1 || string(e[0].Args[0]) != `"`+t.Name()+`"` {
			t.Errorf("the client got %v", e)
		}
		if got, want := asRoot(t, append(sioemit, "version")...), "sioemit "+version.Number+" (commit "+strings.TrimSpace(commit); !strings.HasPrefix(got, want) {
			t.Errorf("version: %q", got)
		}
	}

	t.Run("deb", func(t *testing.T) {
		dir := emptyFolder(t)
		asRoot(t, "tar", "-xf", bare(t), "-C", dir)
		asRoot(t, "cp", filepath.Join(r.out, name("_"+here.deb+".deb")), filepath.Join(dir, "tmp", "sioemit.deb"))
		asRoot(t, "chroot", dir, "/usr/bin/dpkg", "--install", "/tmp/sioemit.deb")
		if found, err := filepath.Glob(dir + "/usr/*bin/go"); err != nil || found != nil {
			t.Errorf("there is %q", found)
		}
		emits(t, dir, "/usr/bin/sioemit")
		listed := strings.Fields(asRoot(t, "chroot", dir, "/usr/bin/dpkg", "--listfiles", "sioemit"))
		for _, path := range []string{
			"/usr/share/man/man1/sioemit.1.gz", "/usr/share/bash-completion/completions/sioemit", "/usr/share/zsh/vendor-completions/_sioemit",
			"/usr/share/fish/vendor_completions.d/sioemit.fish", "/usr/share/doc/sioemit/copyright", "/usr/share/doc/sioemit/README.md",
		} {
			if !slices.Contains(listed, path) {
				t.Errorf("the package lacks %s", path)
			}
		}
		asRoot(t, "chroot", dir, "/usr/bin/dpkg", "--remove", "sioemit")
		for _, path := range listed {
			if info, err := os.Lstat(dir + path); err == nil && !info.IsDir() {
				t.Errorf("%s stays", path)
			}
		}
	})
	t.Run("rpm", func(t *testing.T) {
		dir := emptyFolder(t)
		asRoot(t, "rpm", "--root", dir, "--install", "--nodeps", filepath.Join(r.out, name("_"+here.rpm+".rpm")))
		emits(t, dir, "/usr/bin/sioemit")
		if host := asRoot(t, "rpm", "--root", dir, "--query", "--queryformat", "%{BUILDHOST}", "sioemit"); host != "localhost" {
			t.Errorf("the package names the machine that made it: %s", host)
		}
		if got := asRoot(t, "rpm", "--root", dir, "--verify", "--nodeps", "sioemit"); got != "" {
			t.Errorf("rpm --verify: %s", got)
		}
	})
	t.Run("archive", func(t *testing.T) {
		dir := emptyFolder(t)
		asRoot(t, "tar", "-xzf", filepath.Join(r.out, archiveName(here)+".tar.gz"), "-C", dir)
		emits(t, dir, "/"+archiveName(here)+"/sioemit")
		page, err := output(exec.Command("groff", "-man", "-ww", "-Tascii", "-P-cbou", filepath.Join(dir, archiveName(here), "man", "sioemit.1")))
		if err != nil || !strings.Contains(page, "sioemit "+version.Number) {
			t.Errorf("the manual page: %v\n%.300s", err, page)
		}
	})
	t.Run("image", func(t *testing.T) {
		context, dir := emptyFolder(t), emptyFolder(t)
		asRoot(t, "tar", "-xzf", filepath.Join(r.out, name("_image.tar.gz")), "-C", context)
		user, entry := build(t, context, dir, here)
		emits(t, "--userspec="+user, dir, entry)
	})
}

// build does what docker build would: it follows the Dockerfile of a context, and
// returns the user and the program that a container starts with.
func build(t *testing.T, context, dir string, here target) (user, entry string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(context, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case line == "FROM scratch\n" || line == "ARG TARGETPLATFORM\n":
		case words[0] == "COPY" && len(words) == 3:
			from := strings.ReplaceAll(words[1], "${TARGETPLATFORM}", here.platform)
			asRoot(t, "install", "-D", "--mode=0755", filepath.Join(context, from), dir+words[2])
		case words[0] == "USER" && len(words) == 2:
			user = words[1]
		case words[0] == "ENTRYPOINT" && len(words) == 2:
			var program []string
			if err := json.Unmarshal([]byte(words[1]), &program); err != nil || len(program) != 1 {
				t.Fatalf("%s: %v", line, err)
			}
			entry = program[0]
		default:
			t.Fatalf("the Dockerfile has a line that this test does not know: %s", line)
		}
	}
	if user == "" || entry == "" {
		t.Fatalf("the Dockerfile names user %q and program %q", user, entry)
	}
	return user, entry
}

// TestSame makes the release of this machine twice, and gets the same bytes.
func TestSame(t *testing.T) {
	harness.NeedServers(t)
	first, second, here := made(t, "first"), made(t, "second"), here(t)
	sums := make(map[string]string)
	for _, r := range []*release{first, second} {
		if err := r.sums(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(r.out, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums[r.out] = string(text)
		check := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
		check.Dir = r.out
		if _, err := output(check); err != nil {
			t.Error(err)
		}
	}
	if sums[first.out] != sums[second.out] {
		t.Errorf("%s\n%s", sums[first.out], sums[second.out])
	}
	for _, want := range []string{archiveName(here) + ".tar.gz", name("_" + here.deb + ".deb"), name("_" + here.rpm + ".rpm"), name("_image.tar.gz"), name(".cdx.json")} {
		if !strings.Contains(sums[first.out], "  "+want+"\n") {
			t.Errorf("there is no %s", want)
		}
	}
}

// TestBill finds in the bill of materials every module that the binary has, and
// the binary small.
func TestBill(t *testing.T) {
	harness.NeedServers(t)
	r, here := made(t, "first"), here(t)
	stage := t.TempDir()
	binary, err := r.build(here, stage)
	if err != nil {
		t.Fatal(err)
	}
	// Two fifths are methods that nothing calls: package cli fills in its templates
	// by text/template, for which the linker keeps every method there is.
	const most = 21_000_000
	if len(binary.content) >= most {
		t.Errorf("the command has %d bytes, %d or more", len(binary.content), most)
	}
	info, err := buildinfo.Read(bytes.NewReader(binary.content))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(r.out, name(".cdx.json")))
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BomFormat string
		Metadata  struct {
			Component struct{ Name, Version string }
		}
		Components []struct{ Name, Version string }
	}
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	if c := bill.Metadata.Component; bill.BomFormat != "CycloneDX" || c.Name != info.Main.Path || c.Version != "v"+version.Number {
		t.Errorf("%s is a bill of %+v", bill.BomFormat, c)
	}
	listed := make(map[string]string)
	for _, c := range bill.Components {
		listed[c.Name] = c.Version
	}
	for _, m := range info.Deps {
		if listed[m.Path] != m.Version {
			t.Errorf("%s %s is listed as %q", m.Path, m.Version, listed[m.Path])
		}
	}
	if listed["github.com/redis/go-redis/v9"] == "" || listed["std"] == "" {
		t.Errorf("only %v", slices.Sorted(maps.Keys(listed)))
	}
}

// TestDockerfile gives it to its linter.
func TestDockerfile(t *testing.T) {
	harness.NeedServers(t)
	if _, err := output(exec.Command(".venv/bin/hadolint", "--strict-labels", "Dockerfile")); err != nil {
		t.Errorf("make deps installs it: %v", err)
	}
}

// TestCertificates reads the certificates of the image.
func TestCertificates(t *testing.T) {
	files, err := (&release{}).imageFiles()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(files, func(f file) bool { return f.name == "ca-certificates.crt" })
	count := 0
	for rest := files[at].content; len(rest) > 0; count++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			t.Fatalf("%.100q", rest)
		}
		if c, err := x509.ParseCertificate(block.Bytes); err != nil || !c.IsCA {
			t.Errorf("%v: %v", c.Subject, err)
		}
	}
	if count < 50 {
		t.Errorf("%d certificates", count)
	}
}
