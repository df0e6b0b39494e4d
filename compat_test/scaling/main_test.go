package main

import (
	"strings"
	"testing"
)

var some = []result{
	{size{1, 0}, "classic", 40, 10, 400, 0}, {size{1, 0}, "sharded", 40, 10, 400, 0}, {size{1, 0}, "streams", 50, 20, 600, 0},
	{size{3, 1}, "classic", 90, 70, 12000, 5}, {size{9, 0}, "classic", 160, 170, 19703, 8}, {size{9, 0}, "sharded", 60, 30, 560, 0},
}

func TestReplaceTable(t *testing.T) {
	page := "before\n" + tableStart + "old\n" + tableEnd + "after\n"
	got, err := replaceTable([]byte(page), table(some))
	if err != nil {
		t.Fatal(err)
	}
	again, err := replaceTable(got, table(some))
	if err != nil || string(again) != string(got) {
		t.Errorf("%v, a second time:\n%s\nafter the first:\n%s", err, again, got)
	}
	if !strings.HasPrefix(string(got), "before\n") || !strings.HasSuffix(string(got), "after\n") || strings.Contains(string(got), "old") ||
		!strings.Contains(string(got), "| 6 (3 of them replicas) | classic | 90 µs | 70 µs | 12000 | 5 |\n") {
		t.Error(string(got))
	}
	if _, err := replaceTable([]byte("nothing"), ""); err == nil {
		t.Error("a page without the lines is no error")
	}
}
