package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/sioemit/sioemit/internal/version"
)

//go:embed sioemit.rb.tmpl
var formula string

//go:embed sioemit.json.tmpl
var manifest string

// managers writes what package managers read that fetch the archives: a formula
// for Homebrew, and a manifest for Scoop. Without a URL there is nothing to fetch.
func (r *release) managers(targets []target) error {
	if r.baseURL == "" {
		fmt.Println("no formula for Homebrew and no manifest for Scoop: BASE_URL says where the archives will be")
		return nil
	}
	sums := make(map[string]string) // by OS and machine
	for _, t := range targets {
		ending := ".tar.gz"
		if t.os == "windows" {
			ending = ".zip"
		}
		sum, err := r.sum(archiveName(t) + ending)
		if err != nil {
			return err
		}
		sums[t.os+"_"+t.name] = sum
	}
	data := map[string]any{"Version": version.Number, "URL": strings.TrimSuffix(r.baseURL, "/"), "Sums": sums}
	for name, text := range map[string]string{"sioemit.rb": formula, "sioemit.json": manifest} {
		t, err := template.New(name).Option("missingkey=error").Parse(text)
		if err != nil {
			return err
		}
		var b strings.Builder
		if err := t.Execute(&b, data); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.out, name), []byte(b.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
