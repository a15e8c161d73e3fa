package logging

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/migrationlink/migrationlink/redact"
)

// printable writes lines without invisible characters: callers and managers contribute
// text to messages, fields and errors.
type printable struct{ to io.Writer }

// Write gets one whole line from a zap core.
func (p printable) Write(line []byte) (int, error) {
	text := string(bytes.TrimRight(line, "\n"))
	columns := strings.Split(text, "\t") // of the console format
	for i, column := range columns {
		columns[i] = redact.Printable(escapes.Replace(column))
	}
	if _, err := io.WriteString(p.to, strings.Join(columns, "\t")+"\n"); err != nil {
		return 0, err
	}
	return len(line), nil
}

// escapes replaces the JSON escapes of control characters, which would reach a terminal
// through programs that read JSON. Line ends and tabs stay.
var escapes = strings.NewReplacer(controlCharacters()...)

func controlCharacters() []string {
	pairs := []string{`\\`, `\\`} // an escaped backslash begins no other escape
	for control := range 0x20 {
		pairs = append(pairs, fmt.Sprintf(`\u%04x`, control), " ")
	}
	return append(pairs, `\b`, " ", `\f`, " ")
}
