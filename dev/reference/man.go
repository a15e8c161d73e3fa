package main

import (
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/migrationlink/migrationlink/internal/starter"
)

// writeManPages writes one page for each command. They carry the date of SOURCE_DATE_EPOCH, if
// that is set, so that a release is reproducible.
func writeManPages(dir string) error {
	root := starter.Command(environment(io.Discard))
	prepare(root)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // everybody reads man pages
		return err
	}
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "migrationlink", Manual: "migrationlink"}, dir)
}

// prepare makes Markdown of the texts of a command, which the generator expects.
func prepare(command *cobra.Command) {
	command.DisableAutoGenTag = true
	command.Long = toMarkdown(withoutDate(command.Long))
	command.Example = withoutDate(command.Example)
	for _, sub := range command.Commands() {
		prepare(sub)
	}
}

var special = regexp.MustCompile("[*_<>`\\\\]")

// toMarkdown keeps the lines of indented blocks, and escapes characters with a meaning in Markdown.
func toMarkdown(text string) string {
	var page strings.Builder
	inBlock := false
	for line := range strings.Lines(text) {
		indented := strings.HasPrefix(line, "  ")
		switch {
		case indented && !inBlock:
			page.WriteString("\n    " + line)
		case indented:
			page.WriteString("    " + line)
		default:
			if inBlock && strings.TrimSpace(line) != "" {
				page.WriteString("\n")
			}
			page.WriteString(special.ReplaceAllString(line, `\$0`))
		}
		inBlock = indented
	}
	return page.String()
}
