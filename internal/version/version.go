// Package version says which release this is.
package version

// Number is the version of the library, the command and the emitters in other
// languages, which are released together. make version sets it here and in their
// manifests.
const Number = "0.1.0"

// Commit is what a release was made from: make dist sets it. It is empty in other
// builds, in which the Go toolchain may have recorded it.
var Commit string
