// Package terminal lays out text for a terminal: how wide it is, where a line breaks, and how
// an error looks.
package terminal

import (
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"
)

// Columns counts an ambiguous character, such as ●, as one column wherever it runs.
var Columns = runewidth.Condition{StrictEmojiNeutral: true}

// Width returns the columns of the terminal behind a stream, or 0 if there is none.
func Width(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width <= 0 {
		return 80 // a terminal that does not know its size, such as a serial line
	}
	return width
}

// Height returns the lines of the terminal behind a stream. It is 24 if that does not know its
// size, or is no terminal.
func Height(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok {
		return 24
	}
	_, height, err := term.GetSize(int(file.Fd()))
	if err != nil || height <= 0 {
		return 24
	}
	return height
}

// command finds a command line of the starter in a sentence. It is not broken, so that it can
// be copied.
var command = regexp.MustCompile(`\S*\bstarter( [a-z]+)?( --[a-z-]+([ =]('[^']*'|[^-\s]\S*))?)+`)

// Wrap breaks text between words. A longer word and a command each keep a line to themselves.
func Wrap(text string, width int) []string {
	var lines []string
	for _, word := range words(text) {
		last := len(lines) - 1
		if last >= 0 && Columns.StringWidth(lines[last])+1+Columns.StringWidth(word) <= width {
			lines[last] += " " + word
			continue
		}
		lines = append(lines, word)
	}
	return lines
}

// words splits text at its spaces, but not within a command.
func words(text string) []string {
	var found []string
	for text != "" {
		at := command.FindStringIndex(text)
		if at == nil {
			break
		}
		found = append(found, strings.Fields(text[:at[0]])...)
		end := at[1]
		if space := strings.IndexByte(text[end:], ' '); space >= 0 {
			end += space // with the punctuation after it
		} else {
			end = len(text)
		}
		found, text = append(found, text[at[0]:end]), text[end:]
	}
	return append(found, strings.Fields(text)...)
}
