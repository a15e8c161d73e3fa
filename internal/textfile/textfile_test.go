package textfile_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/textfile"
)

const canary = "c4n4ry-5ecret"

func TestTextFromWindowsIsReadOrRejectedByItsEncoding(t *testing.T) {
	t.Parallel()
	const lines = canary + "\n# größer\n"
	for name, test := range map[string]struct{ content, want, problem string }{
		"plain":                     {lines, lines, ""},
		"empty":                     {"", "", ""},
		"byte order mark":           {"\ufeff" + lines, lines, ""},
		"mark and no more":          {"\ufeff", "", ""},
		"CRLF":                      {strings.ReplaceAll(lines, "\n", "\r\n"), lines, ""},
		"mark and CRLF":             {"\ufeff" + canary + "\r\n", canary + "\n", ""},
		"CR at the end":             {canary + "\r", canary, ""},
		"tab and wide space":        {"a\tb\u00a0c", "a\tb\u00a0c", ""},
		"replacement character":     {"\ufffd", "\ufffd", ""},
		"UTF-16LE, mark":            {"\xff\xfe" + wide(binary.LittleEndian, lines), "", "it is UTF-16 (little-endian), as some programs of Windows write it"},
		"UTF-16BE, mark":            {"\xfe\xff" + wide(binary.BigEndian, lines), "", "it is UTF-16 (big-endian)"},
		"UTF-16LE":                  {wide(binary.LittleEndian, lines), "", "it is UTF-16 (little-endian)"},
		"UTF-16BE":                  {wide(binary.BigEndian, lines), "", "-Encoding utf8"},
		"UTF-16LE, one character":   {wide(binary.LittleEndian, "x"), "", "it is UTF-16 (little-endian)"},
		"UTF-16 mark alone":         {"\xff\xfe", "", "it is UTF-16"},
		"UTF-32":                    {"\xff\xfe\x00\x00a\x00\x00\x00", "", "it is UTF-32"},
		"Latin-1":                   {"a\nb\xe9\n", "", "line 2 is not UTF-8 text"},
		"binary":                    {"age-encryption.org/v1\n\x00\x8f\x01", "", "line 2 has a character that is not printable (U+0000)"},
		"zero":                      {"a\x00b", "", "U+0000"},
		"CR within a line":          {"a\rb\n", "", "line 1 has a character that is not printable (U+000D)"},
		"CR twice":                  {"a\r\r\n", "", "U+000D"},
		"escape":                    {"a\x1b[31m", "", "U+001B"},
		"C1":                        {"a\u009b", "", "U+009B"},
		"direction":                 {"a\u202eb", "", "U+202E"},
		"zero width":                {"a\n\nb\u200bc", "", "line 3 has a character that is not printable (U+200B)"},
		"Hangul filler":             {"a\u3164", "", "U+3164"},
		"mark in the middle":        {"a\n\ufeffb", "", "line 2 has a character that is not printable (U+FEFF)"},
		"two marks":                 {"\ufeff\ufeffa", "", "U+FEFF"},
		"end of file of DOS":        {"a\r\n\x1a", "", "line 2 has a character that is not printable (U+001A)"},
		"UTF-16 and a long comment": {"\xff\xfe" + wide(binary.LittleEndian, strings.Repeat("漢字", 5000)), "", "it is UTF-16"},
	} {
		text, err := textfile.Decode([]byte(test.content))
		if test.problem == "" {
			require.NoError(t, err, name)
			require.Equal(t, test.want, text, name)
			continue
		}
		require.ErrorContains(t, err, test.problem, name)
		require.NotContains(t, err.Error(), canary, name)
		require.Empty(t, text, name)
		var known *textfile.Error
		require.ErrorAs(t, err, &known, name)
	}
}

func TestOnlyARegularFileOfBoundedSizeIsReadWithoutWaitingForIt(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	directory := t.TempDir()
	write := func(name, content string) {
		require.NoError(t, os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600))
	}
	require.NoError(t, syscall.Mkfifo(directory+"/pipe", 0o600))
	require.NoError(t, os.Symlink("/dev/zero", directory+"/endless"))
	write("good", strings.Repeat("x", limit))
	write("huge", strings.Repeat("x", limit+1))
	write("wide", "\xff\xfea\x00")
	for name, problem := range map[string]string{
		"good":    "",
		"none":    "no such file or directory",
		"":        "it is not a regular file",
		"pipe":    "it is not a regular file",
		"endless": "it is not a regular file",
		"huge":    "it is larger than 64 KiB",
		"wide":    "it is UTF-16",
	} {
		path := filepath.Join(directory, name)
		text, err := textfile.ReadFile(path, limit)
		if problem == "" {
			require.NoError(t, err, name)
			require.Len(t, text, limit)
			continue
		}
		require.ErrorContains(t, err, path+": "+problem)
		require.Empty(t, text)
	}
	_, err := textfile.ReadFile(directory+"/huge", limit)
	require.ErrorIs(t, err, textfile.ErrTooLarge)
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\ufeffa\r\n"))
	f.Add([]byte("\xff\xfea\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		text, err := textfile.Decode(content)
		if err != nil {
			return
		}
		again, err := textfile.Decode([]byte(text))
		require.NoError(t, err)
		require.Equal(t, text, again, "what is text stays as it is")
	})
}

func wide(order binary.AppendByteOrder, text string) string {
	var bytes []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		bytes = order.AppendUint16(bytes, unit)
	}
	return string(bytes)
}
