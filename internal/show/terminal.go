package show

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Terminal returns the terminal that w writes to, nil if it is none.
func Terminal(w io.Writer) *os.File {
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

// IsColoured reports whether w shows colours and the user wants them: see
// no-color.org.
func IsColoured(w io.Writer) bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && Terminal(w) != nil
}

// Size returns the columns and rows of a terminal, those of the narrowest one if it
// does not tell.
func Size(terminal *os.File) (columns, rows int) {
	columns, rows, err := term.GetSize(int(terminal.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return LineWidth, 24
	}
	return columns, rows
}

// Cut is text without what would not fit into so many columns.
func Cut(text string, columns int) string {
	runes := []rune(text)
	if len(runes) <= columns {
		return text
	}
	return string(runes[:max(0, columns-1)]) + "…"
}
