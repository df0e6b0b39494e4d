package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// file is one of an archive.
type file struct {
	name    string
	content []byte
	mode    fs.FileMode
}

// archiveName is that of the archive for a kind of machine, without its ending.
func archiveName(t target) string { return name("_" + t.os + "_" + t.name) }

// archive writes what somebody unpacks who has no package manager: a zip for
// Windows, and a tar for the others.
func (r *release) archive(t target, files []file) error {
	folder := archiveName(t)
	var inFolder []file
	for _, f := range files {
		inFolder = append(inFolder, file{folder + "/" + f.name, f.content, f.mode})
	}
	if t.os == "windows" {
		return r.zip(folder+".zip", inFolder)
	}
	return r.tar(folder+".tar.gz", inFolder)
}

// tar writes an archive in which nothing tells who made it, and when.
func (r *release) tar(name string, files []file) (err error) {
	out, err := os.Create(filepath.Join(r.out, name))
	if err != nil {
		return err
	}
	defer closeAfter(out, &err)
	compressed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	for _, f := range files {
		header := &tar.Header{Name: f.name, Size: int64(len(f.content)), Mode: int64(f.mode), ModTime: r.time, Format: tar.FormatUSTAR}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(f.content); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

// zip does so for Windows.
func (r *release) zip(name string, files []file) (err error) {
	out, err := os.Create(filepath.Join(r.out, name))
	if err != nil {
		return err
	}
	defer closeAfter(out, &err)
	archive := zip.NewWriter(out)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: r.time}
		header.SetMode(f.mode)
		w, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := w.Write(f.content); err != nil {
			return err
		}
	}
	return archive.Close()
}

func closeAfter(out *os.File, err *error) {
	if closing := out.Close(); *err == nil {
		*err = closing
	}
}

// sums writes the sum of every file of the release, as sha256sum --check reads
// them.
func (r *release) sums() error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, e := range entries {
		sum, err := r.sum(e.Name())
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s  %s\n", sum, e.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(b.String()), 0o644)
}

// sum is that of one file of the release.
func (r *release) sum(name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(r.out, name))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}
