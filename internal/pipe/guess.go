package pipe

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/show"
)

// badRow counts bad lines in a row. Many mean that the input is something else
// than lines for pipe.
type badRow struct {
	most   int64  // 0: no end
	head   []byte // how the input begins
	isKept bool   // where the run stops is kept in a checkpoint
	row    int64
	first  []byte // the beginning of the first of them
}

// good ends the row.
func (b *badRow) good() { b.row = 0 }

// bad takes note of a bad line, and returns an error when it is one too many.
func (b *badRow) bad(number int64, text []byte) error {
	if b.row == 0 {
		b.first = bytes.Clone(text[:min(len(text), 1<<10)])
	}
	b.row++
	if b.most == 0 || b.row < b.most {
		return nil
	}
	from := fmt.Sprintf("--from-line %d ", number+1)
	if b.isKept {
		from = ""
	}
	return commandline.Usagef("stopped at line %d, after %s in a row%s; %s--max-bad-lines 0 goes on after them", number, show.Plural(int(b.row), "bad line"), b.cause(), from)
}

// magics are how files begin that are no text.
var magics = []struct{ head, cause string }{
	{"\x1f\x8b", "it is compressed: gunzip -c FILE | sioemit pipe"},
	{"\x28\xb5\x2f\xfd", "it is compressed: zstd -dc FILE | sioemit pipe"},
	{"BZh", "it is compressed: bunzip2 -c FILE | sioemit pipe"},
	{"\xfd7zX", "it is compressed: xz -dc FILE | sioemit pipe"},
	{"PK\x03\x04", "it is a zip file: unzip -p FILE | sioemit pipe"},
	{"\xff\xfe", "it is UTF-16: iconv -f UTF-16 -t UTF-8 FILE | sioemit pipe"},
	{"\xfe\xff", "it is UTF-16: iconv -f UTF-16 -t UTF-8 FILE | sioemit pipe"},
}

// cause says what the input looks like.
func (b *badRow) cause() string {
	for _, m := range magics {
		if bytes.HasPrefix(b.head, []byte(m.head)) {
			return ": " + m.cause
		}
	}
	switch first := bytes.TrimSpace(b.first); {
	case len(first) == 0:
		return ""
	case bytes.IndexByte(first, 0) >= 0:
		return ": there are zero bytes in it, as in UTF-16; pipe reads UTF-8"
	case first[0] == '{' && json.Valid(first):
		return `: the lines are JSON objects and no events; jq -c '{event:"NAME",args:[.]}' FILE makes such`
	case first[0] == '[':
		return ": it looks like a JSON array; jq -c '.[]' FILE prints what is in it, one a line"
	case first[0] == '{', first[0] == '}', first[0] == '"':
		return ": it looks like JSON over several lines; jq -c . FILE prints one object a line"
	case first[0] == '<':
		return ": it looks like HTML or XML, which pipe does not read"
	case bytes.ContainsAny(first, ",;\t|"):
		return ": it looks like CSV, which pipe does not read; it needs one JSON object per line"
	}
	return ": pipe needs one JSON object per line"
}
