package driver

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSDKs leaves out what lacks its toolchain, except where that must not be.
func TestSDKs(t *testing.T) {
	for _, test := range []struct {
		ci, there, missing string
		want               string
	}{
		{"", "python", "java", ""},
		{"1", "python", "java", "java: install a JDK"},
		{"", "python", "javascript", "javascript: install a JDK"},
	} {
		t.Setenv("CI", test.ci)
		folder := t.TempDir()
		write(t, folder, test.there, "toolchain:\n\t@true\n")
		write(t, folder, test.missing, "toolchain:\n\t@echo install a JDK >&2; exit 1\n")
		sdks, err := SDKs(t.Context(), folder)
		if len(sdks) != 1 || sdks[0].Name != test.there || sdks[0].Program() != filepath.Join(folder, test.there, "conformance", "run") {
			t.Errorf("%+v: got %+v", test, sdks)
		}
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: got %v", test, err)
		}
	}
	if _, err := SDKs(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder without emitters is taken")
	}
}

func write(t *testing.T, folder, sdk, makefile string) {
	t.Helper()
	folder = filepath.Join(folder, sdk)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "Makefile"), []byte(makefile), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "conformance"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "conformance", "run"), []byte("#!/bin/sh\necho some-client\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}
