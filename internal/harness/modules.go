package harness

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// NodeModules returns the folder with server.js, clients.js and the installed npm packages. When the packages are
// missing, the error says what to run: a test that needs them fails, it is never skipped.
var NodeModules = sync.OnceValues(func() (string, error) {
	dir, err := nodeDir()
	if err != nil {
		return "", err
	}
	for _, name := range []string{V1.Server, V2.Server, V3.Server, V4.Server, V4.Client, "redis"} {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", name, "package.json")); err != nil {
			return "", fmt.Errorf("the npm packages in compat_test/node are not installed, run `make deps`: %w", err)
		}
	}
	return dir, nil
})

// nodeDir finds compat_test/node: in the repository of this source file, or else upwards from the working directory,
// for binaries built with -trimpath.
func nodeDir() (string, error) {
	if _, file, _, ok := runtime.Caller(0); ok {
		dir := filepath.Join(filepath.Dir(file), "..", "..", "compat_test", "node")
		if _, err := os.Stat(filepath.Join(dir, "server.js")); err == nil {
			return dir, nil
		}
	}
	at, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		dir := filepath.Join(at, "compat_test", "node")
		if _, err := os.Stat(filepath.Join(dir, "server.js")); err == nil {
			return dir, nil
		}
		if filepath.Dir(at) == at {
			return "", errors.New("compat_test/node not found: run this inside the sioemit repository")
		}
		at = filepath.Dir(at)
	}
}

// PackageVersion returns the real name and version of an installed package of npm or PyPI, such as "socket.io" and "4.8.4"
// for the alias "socket.io-4".
func PackageVersion(alias string) (name, version string, err error) {
	if isPython(alias) {
		version, err = pythonVersion(alias)
		return alias, version, err
	}
	dir, err := NodeModules()
	if err != nil {
		return "", "", err
	}
	data, err := os.ReadFile(filepath.Join(dir, "node_modules", filepath.FromSlash(alias), "package.json"))
	if err != nil {
		return "", "", err
	}
	var manifest struct{ Name, Version string }
	if err := json.Unmarshal(data, &manifest); err != nil {
		return "", "", fmt.Errorf("package.json of %s: %w", alias, err)
	}
	return manifest.Name, manifest.Version, nil
}
