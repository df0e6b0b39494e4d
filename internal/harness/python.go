package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Python is python-socketio, which has no generations of its own: clients of Socket.IO 3 and 4 connect to it.
var Python = Generation{Number: 4, Server: "python-socketio", Client: V4.Client}

// What servers of python-socketio run on: a server for asyncio, with AsyncRedisManager, and one with threads, with
// RedisManager. The option is channel.
var (
	Uvicorn       = Adapter{Package: "uvicorn", Kind: "python"}
	FlaskSocketIO = Adapter{Package: "Flask-SocketIO", Kind: "python"}
)

var pythonPackages = []string{Python.Server, Uvicorn.Package, FlaskSocketIO.Package}

// PythonDir returns the folder with server.py, and the Python that has the packages from PyPI. When they are missing, the
// error says what to run: a test that needs them fails, it is never skipped.
func PythonDir() (dir, python string, err error) {
	node, err := nodeDir()
	if err != nil {
		return "", "", err
	}
	dir = filepath.Join(filepath.Dir(node), "python")
	python = filepath.Join(dir, ".venv", "bin", "python")
	if _, err := os.Stat(filepath.Join(dir, ".venv", "installed")); err != nil {
		return "", "", fmt.Errorf("the packages in compat_test/python are not installed, run `make deps`: %w", err)
	}
	return dir, python, nil
}

// pythonVersion returns the version of an installed package from PyPI.
func pythonVersion(name string) (string, error) {
	dir, _, err := PythonDir()
	if err != nil {
		return "", err
	}
	prefix := strings.ReplaceAll(strings.ToLower(name), "-", "_") + "-"
	found, err := filepath.Glob(filepath.Join(dir, ".venv", "lib", "python3*", "site-packages", prefix+"*.dist-info"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("%s is installed %d times: %w", name, len(found), err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(filepath.Base(found[0]), prefix), ".dist-info"), nil
}

func isPython(name string) bool { return slices.Contains(pythonPackages, name) }
