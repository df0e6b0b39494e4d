package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sioemit/sioemit/internal/version"
)

// artefact is what the folder of a language makes for its registry, and what it
// is called in the release.
type artefact struct{ made, name string }

// artefacts are those of all the languages.
var artefacts = []artefact{
	{"javascript/sioemit-VERSION.tgz", "sioemit-VERSION.tgz"},
	{"python/dist/sioemit-VERSION-py3-none-any.whl", "sioemit-VERSION-py3-none-any.whl"},
	{"python/dist/sioemit-VERSION.tar.gz", "sioemit-VERSION.tar.gz"},
	{"java/target/sioemit-VERSION.jar", "sioemit-VERSION.jar"},
	{"java/target/sioemit-VERSION-sources.jar", "sioemit-VERSION-sources.jar"},
	{"java/target/sioemit-VERSION-javadoc.jar", "sioemit-VERSION-javadoc.jar"},
	{"java/pom.xml", "sioemit-VERSION.pom"},
	{"rust/target/package/sioemit-VERSION.crate", "sioemit-VERSION.crate"},
	{"perl/Sioemit-VERSION.tar.gz", "Sioemit-VERSION.tar.gz"},
	{"php/dist/sioemit-emitter.zip", "sioemit-emitter-VERSION.zip"},
}

// sdks makes what the registries of the other languages get, each by its own
// folder's make package.
func (r *release) sdks() error {
	fmt.Println("packing the emitters in other languages")
	each := exec.Command(filepath.Join(r.root, "sdk", "each"), "package")
	each.Env = append(os.Environ(), "CI=1") // it leaves no language out
	if _, err := output(each); err != nil {
		return err
	}
	for _, a := range artefacts {
		content, err := os.ReadFile(filepath.Join(r.root, "sdk", withVersion(a.made)))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.out, withVersion(a.name)), content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func withVersion(name string) string { return strings.ReplaceAll(name, "VERSION", version.Number) }
