// Package textfile reads text files, also from Windows and its editors: keys,
// certificates, link-tokens and settings. Its errors contain nothing of the content.
package textfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/migrationlink/migrationlink/redact"
)

// Error says why content is not usable as text. It begins with "it is" or "line" and
// ends with the remedy.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

// ErrTooLarge is in the error for a text that exceeds the limit.
var ErrTooLarge = errors.New("it is larger")

var errNotRegular = errors.New("it is not a regular file")

// Opener is os.OpenFile, or the method of an os.Root.
type Opener func(name string, flag int, mode fs.FileMode) (*os.File, error)

// Open opens a regular file. It neither waits for a pipe nor opens a device.
func Open(open Opener, name string) (*os.File, fs.FileInfo, error) {
	file, err := open(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // or a pipe blocks until somebody writes to it
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, err
	}
	return file, info, nil
}

// ReadFile returns the text of a regular file of at most limit bytes.
func ReadFile(path string, limit int64) (string, error) {
	file, _, err := Open(os.OpenFile, path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	text, err := Read(file, limit)
	if err != nil && !isPathError(err) {
		err = &fs.PathError{Op: "read", Path: path, Err: err}
	}
	return text, err
}

// mostNested is far above what any setting needs. The time and memory of the TOML parser
// grow with the square of the depth: 1 s and 330 MB for 8 KB of braces or dots. No limit of
// the size alone would leave room for the settings of many managers.
const mostNested = 100

// ReadTOML is ReadFile for a file that is then parsed as TOML. It refuses one that may nest
// too deep: it counts the braces, and the dots of a key, which ends on its line.
func ReadTOML(path string, limit int64) (string, error) {
	content, err := ReadFile(path, limit)
	if err != nil {
		return "", err
	}
	deep := strings.Count(content, "{") > mostNested
	for line := range strings.Lines(content) {
		deep = deep || strings.Count(line, ".") > mostNested
	}
	if deep {
		return "", &Error{fmt.Sprintf("it has more than %d braces, or a line with more than %[1]d dots; check that it is the right file", mostNested)}
	}
	return content, nil
}

func isPathError(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

// Read returns the text of a source of at most limit bytes.
func Read(from io.Reader, limit int64) (string, error) {
	content, err := io.ReadAll(io.LimitReader(from, limit+1))
	if err != nil {
		return "", err
	}
	if int64(len(content)) > limit {
		return "", fmt.Errorf("%w than %d KiB", ErrTooLarge, limit>>10)
	}
	return Decode(content)
}

// Decode returns content as text with lines that end in "\n". It drops the byte order
// mark of UTF-8 and the "\r" at the ends of lines, and rejects other encodings and
// invisible characters. Its error is an *Error.
func Decode(content []byte) (string, error) {
	if name := wideEncoding(content); name != "" {
		return "", &Error{"it is " + name + ", as some programs of Windows write it, not UTF-8; save it as UTF-8 (in PowerShell: Get-Content FILE | Set-Content -Encoding utf8 NEW)"}
	}
	text := strings.TrimPrefix(string(content), "\ufeff")
	text = strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\r")
	for at, char := range text {
		problem := ""
		if char == utf8.RuneError && !strings.HasPrefix(text[at:], "\ufffd") {
			problem = "is not UTF-8 text; save it as UTF-8, and give a text file"
		} else if !visible(char) {
			problem = fmt.Sprintf("has a character that is not printable (U+%04X); remove it", char)
		}
		if problem != "" {
			return "", &Error{fmt.Sprintf("line %d %s", 1+strings.Count(text[:at], "\n"), problem)}
		}
	}
	return text, nil
}

// visible reports whether a character is visible: not a control character, nor one that
// hides, joins or reorders others.
func visible(char rune) bool {
	return char == '\n' || char == '\t' || redact.IsPrintable(char) || unicode.Is(unicode.Zs, char)
}

// wideEncoding returns the name of an encoding with several bytes per character, or "".
// Without a byte order mark, such text has a zero in every second byte.
func wideEncoding(content []byte) string {
	begins := func(mark string) bool { return strings.HasPrefix(string(content[:min(4, len(content))]), mark) }
	switch {
	case begins("\xff\xfe\x00\x00"), begins("\x00\x00\xfe\xff"):
		return "UTF-32"
	case begins("\xff\xfe"):
		return "UTF-16 (little-endian)"
	case begins("\xfe\xff"):
		return "UTF-16 (big-endian)"
	}
	const enough = 4 << 10
	var zeros [2]int
	seen := content[:min(enough, len(content))]
	for i, b := range seen {
		if b == 0 {
			zeros[i%2]++
		}
	}
	switch {
	case len(content)%2 != 0:
		return ""
	case 4*zeros[1] > len(seen) && 16*zeros[0] <= len(seen):
		return "UTF-16 (little-endian)"
	case 4*zeros[0] > len(seen) && 16*zeros[1] <= len(seen):
		return "UTF-16 (big-endian)"
	}
	return ""
}
