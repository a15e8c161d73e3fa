package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/term"

	"github.com/migrationlink/migrationlink/redact"
)

// input is where a secret is read from: a file of this machine, or standard
// input, which is also the file "-".
type input struct {
	flag string // by which it was named, without hyphens; empty for standard input
	file string
}

func (i input) stdin() bool { return i.flag == "" || i.file == "-" }

func (i input) String() string {
	if i.stdin() {
		return "standard input"
	}
	return "the file of --" + i.flag
}

// read returns all that there is, unless it is longer than most bytes. Its
// errors are those of the operating system.
func (i input) read(stdin io.Reader, most int64) ([]byte, os.FileInfo, error) {
	if i.stdin() {
		text, err := readAtMost(stdin, most)
		return text, nil, err
	}
	file, err := os.Open(i.file)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	text, err := readAtMost(file, most)
	return text, info, err
}

var errTooLong = errors.New("too long")

func readAtMost(from io.Reader, most int64) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(from, most+1))
	if err == nil && int64(len(text)) > most {
		err = errTooLong
	}
	return text, err
}

// readSecret reads a secret text of at most so many bytes, and warns of a file
// that everybody can read; what it is called is for errors.
func (a *app) readSecret(ctx context.Context, from input, what string, most int64) (redact.Secret, error) {
	read, info, err := a.readText(ctx, from, what, most)
	if err == nil {
		a.warnOfReaders(from, what, info)
	}
	return read, err
}

// readText is readSecret for what everybody may read.
func (a *app) readText(ctx context.Context, from input, what string, most int64) (redact.Secret, os.FileInfo, error) {
	type content struct {
		text []byte
		info os.FileInfo
	}
	found, err := interruptible(ctx, func() (content, error) {
		text, info, err := from.read(a.env.Stdin, most)
		return content{text, info}, err
	})
	if err != nil {
		return redact.Secret{}, nil, a.unreadable(ctx, from, what, most, err)
	}
	return redact.NewSecret(string(found.text)), found.info, nil
}

// readTyped is readSecret for one line, which a person may type or paste into a
// terminal: it is not shown there.
func (a *app) readTyped(ctx context.Context, from input, what string, most int64) (redact.Secret, error) {
	if !from.stdin() {
		return a.readSecret(ctx, from, what, most)
	}
	readLine := a.env.HiddenLine(a.env.Stdin)
	if readLine == nil {
		return a.readSecret(ctx, from, what, most)
	}
	fmt.Fprintf(a.env.Stderr, "Enter the %s, it is not shown: ", what)
	line, err := readLine(ctx)
	fmt.Fprintln(a.env.Stderr)
	if err != nil && !errors.Is(err, io.EOF) { // Ctrl-D is an empty line
		return redact.Secret{}, a.unreadable(ctx, from, what, most, err)
	}
	return redact.NewSecret(string(line)), nil
}

// unreadable says why nothing could be read. It names a file only if there is
// one: the secret itself may have been given as its name.
func (a *app) unreadable(ctx context.Context, from input, what string, most int64, err error) error {
	named := from.String()
	if _, lstat := os.Lstat(from.file); lstat == nil && !from.stdin() {
		named = from.file
	}
	switch reason, ok := errors.AsType[*fs.PathError](err); {
	case ctx.Err() != nil:
		return failure{ExitOther, "interrupted before the " + what + " was read", ""}
	case errors.Is(err, errTooLong):
		return failure{ExitUsage, fmt.Sprintf("%s is longer than %d KiB, so that it holds no %s", named, most>>10, what), ""}
	case errors.Is(err, fs.ErrNotExist):
		return failure{ExitUsage, fmt.Sprintf("--%s: there is no such file", from.flag),
			fmt.Sprintf("Give the name of a file on this machine that holds the %s, never the %s itself.", what, what)}
	case ok: // without the name, which the reason in it repeats
		return failure{ExitUsage, fmt.Sprintf("%s cannot be read: %v", named, reason.Err), ""}
	}
	return failure{ExitUsage, named + " cannot be read", ""}
}

// warnOfReaders tells of a file that every user of the machine can read; it is
// the user's own, so it is read all the same.
func (a *app) warnOfReaders(from input, what string, info os.FileInfo) {
	if info == nil || !everybodyReads(info) {
		return
	}
	a.warn("every user of this machine can read the %s in %s (mode %04o). If that is not meant: chmod 600 %s",
		what, from.file, info.Mode().Perm(), shellWord(from.file))
}

func everybodyReads(info os.FileInfo) bool {
	const others = 0o004
	return info.Mode().IsRegular() && info.Mode().Perm()&others != 0
}

// warn tells a person something beside the output. Of -o json, stderr is for a
// program, too, unless it is a terminal.
func (a *app) warn(format string, args ...any) {
	if a.json() && a.env.TerminalWidth(a.env.Stderr) == 0 {
		return
	}
	fmt.Fprintln(a.env.Stderr, "starter: warning: "+oneLine(fmt.Sprintf(format, args...)))
}

// interruptible leaves work behind that does not end with the context: reading
// cannot be stopped.
func interruptible[T any](ctx context.Context, work func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := work()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// hiddenLine returns how a line is read from the terminal behind a stream
// without showing it, or nil if there is none.
func hiddenLine(from io.Reader) func(context.Context) ([]byte, error) {
	file, ok := from.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return func(ctx context.Context) ([]byte, error) {
		terminal := int(file.Fd())
		before, err := term.GetState(terminal)
		if err != nil {
			return nil, err
		}
		line, err := interruptible(ctx, func() ([]byte, error) { return term.ReadPassword(terminal) })
		if ctx.Err() != nil {
			_ = term.Restore(terminal, before) // the shell is to show what is typed
		}
		return line, err
	}
}
