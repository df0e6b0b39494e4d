package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/sioemit/sioemit/internal/version"
)

// place is where a version stands: the first group of the pattern.
type place struct {
	file    string
	pattern string
	written bool // by a person, who has more to say there
}

// places are all of them. What Packagist, Maven Central and the others serve has
// its version from there.
var places = []place{
	{"internal/version/version.go", `(?m)^const Number = "(.*)"$`, false},
	{"sdk/java/pom.xml", `(?m)^  <version>(.*)</version>$`, false},
	{"sdk/java/README.md", `(?m)^  <version>(.*)</version>$`, false},
	{"sdk/javascript/package.json", `(?m)^  "version": "(.*)",$`, false},
	{"sdk/javascript/package-lock.json", `(?m)^  "version": "(.*)",$`, false},
	{"sdk/javascript/package-lock.json", `(?m)^    "": \{\n      "name": "sioemit",\n      "version": "(.*)",$`, false},
	{"sdk/perl/lib/Sioemit.pm", `(?m)^our \$VERSION +?= '(.*)';$`, false},
	{"sdk/php/conformance/Driver.php", `(?m)^ +'version' => '(.*)',$`, false},
	{"sdk/python/pyproject.toml", `(?m)^version = "(.*)"$`, false},
	{"sdk/python/src/sioemit/__init__.py", `(?m)^__version__ = "(.*)"$`, false},
	{"sdk/rust/Cargo.toml", `(?m)^\[workspace\.package\]\nversion = "(.*)"$`, false},
	{"sdk/rust/Cargo.lock", `(?m)^name = "conformance"\nversion = "(.*)"$`, false},
	{"sdk/rust/Cargo.lock", `(?m)^name = "sioemit"\nversion = "(.*)"$`, false},
	{"CHANGELOG.md", `(?m)^## \[(\d.*?)\]`, true},
	{"sdk/perl/Changes", `(?m)^(\d.*?)(?: |$)`, true},
}

// find returns the text of the file, and where in it the version stands.
func (p place) find(root string) (text string, from, to int, err error) {
	data, err := os.ReadFile(filepath.Join(root, p.file))
	if err != nil {
		return "", 0, 0, err
	}
	at := regexp.MustCompile(p.pattern).FindSubmatchIndex(data)
	if at == nil {
		return "", 0, 0, fmt.Errorf("%s: there is no version, which %s would find", p.file, p.pattern)
	}
	return string(data), at[2], at[3], nil
}

// checkVersions has every place hold the version of this release, and that be the
// one that is wanted, if any is.
func checkVersions(root, wanted string) error {
	var all []error
	if wanted != "" && wanted != version.Number {
		all = append(all, fmt.Errorf("this is version %s, not %s; make version VERSION=%[2]s makes it so", version.Number, wanted))
	}
	for _, p := range places {
		text, from, to, err := p.find(root)
		switch {
		case err != nil:
			all = append(all, err)
		case text[from:to] != version.Number && p.written:
			all = append(all, fmt.Errorf("%s begins with version %s, and has nothing to say of %s", p.file, text[from:to], version.Number))
		case text[from:to] != version.Number:
			all = append(all, fmt.Errorf("%s has version %s, and this is %s", p.file, text[from:to], version.Number))
		}
	}
	return errors.Join(all...)
}

// numbers is what every registry takes for a version, the beginning of one of
// them for another.
var numbers = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`)

// setVersion writes a version wherever one stands, and names the files that a
// person has to write.
func setVersion(root, number string) error {
	if !numbers.MatchString(number) {
		return fmt.Errorf("a version has the form 1.2.3, not %q", number)
	}
	for _, p := range places {
		if p.written {
			fmt.Printf("%s: say there what is new in %s\n", p.file, number)
			continue
		}
		text, from, to, err := p.find(root)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(root, p.file), []byte(text[:from]+number+text[to:]), 0o644); err != nil {
			return err
		}
	}
	return nil
}
