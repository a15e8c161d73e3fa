package console

import (
	"encoding/json"
	"strings"

	"github.com/migrationlink/migrationlink/redact"
)

// printableJSON is redact.Printable for the strings in JSON, escaped or not: a program may show
// them on a terminal. Line feeds and tabs stay.
func printableJSON(text []byte) string {
	var clean strings.Builder
	for rest := string(text); rest != ""; {
		at := strings.IndexByte(rest, '\\')
		if at < 0 {
			at = len(rest)
		}
		clean.WriteString(redact.Printable(rest[:at]))
		rest = rest[at:]
		if rest == "" {
			break
		}
		length := len(`\n`)
		if rest[1] == 'u' {
			length = len(`\u0000`)
		}
		escape := rest[:length]
		rest = rest[length:]
		var stands string
		if json.Unmarshal([]byte(`"`+escape+`"`), &stands) == nil && stands != "\n" && stands != "\t" && redact.Printable(stands) != stands {
			escape = " "
		}
		clean.WriteString(escape)
	}
	return clean.String()
}
