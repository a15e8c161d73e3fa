package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/term"

	"github.com/migrationlink/migrationlink/internal/textfile"
	"github.com/migrationlink/migrationlink/redact"
)

// SealedToken is what the file of --sealed-token-file holds.
const SealedToken = "sealed link-token"

// Input is where a secret is read from: a file of this machine, or standard
// input, which is also the file "-".
type Input struct {
	Flag string // by which it was named, without hyphens; empty for standard input
	File string
}

func (i Input) stdin() bool { return i.Flag == "" || i.File == "-" }

func (i Input) String() string {
	if i.stdin() {
		return "standard input"
	}
	return "the file of --" + i.Flag
}

// read returns the text that is there, of at most limit bytes. It waits for a
// pipe, which a shell makes of <(command).
func (i Input) read(stdin io.Reader, limit int64) (string, os.FileInfo, error) {
	if i.stdin() {
		text, err := textfile.Read(stdin, limit)
		return text, nil, err
	}
	file, err := os.Open(i.File)
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", nil, err
	}
	text, err := textfile.Read(file, limit)
	return text, info, err
}

// readSecret reads a secret text of at most so many bytes, and warns of a file
// that everybody can read; what it is called is for errors.
func (c *Console) readSecret(ctx context.Context, from Input, what string, most int64) (redact.Secret, error) {
	read, info, err := c.ReadText(ctx, from, what, most)
	if err == nil {
		c.warnOfReaders(from, what, info)
	}
	return read, err
}

// ReadText is readSecret for a file that may be public.
func (c *Console) ReadText(ctx context.Context, from Input, what string, most int64) (redact.Secret, os.FileInfo, error) {
	type content struct {
		text string
		info os.FileInfo
	}
	found, err := interruptible(ctx, func() (content, error) {
		text, info, err := from.read(c.Env.Stdin, most)
		return content{text, info}, err
	})
	if err != nil {
		return redact.Secret{}, nil, c.unreadable(ctx, from, what, most, err)
	}
	return redact.NewSecret(found.text), found.info, nil
}

// ReadTyped is readSecret for one line, which a person may type or paste into a
// terminal: it is not shown there.
func (c *Console) ReadTyped(ctx context.Context, from Input, what string, most int64) (redact.Secret, error) {
	if !from.stdin() {
		return c.readSecret(ctx, from, what, most)
	}
	readLine := c.Env.HiddenLine(c.Env.Stdin)
	if readLine == nil {
		return c.readSecret(ctx, from, what, most)
	}
	fmt.Fprintf(c.Env.Stderr, "Enter the %s, it is not shown: ", what)
	line, err := readLine(ctx)
	fmt.Fprintln(c.Env.Stderr)
	if err != nil && !errors.Is(err, io.EOF) { // Ctrl-D is an empty line
		return redact.Secret{}, c.unreadable(ctx, from, what, most, err)
	}
	text, err := textfile.Decode(line)
	if err != nil {
		return redact.Secret{}, c.unreadable(ctx, from, what, most, err)
	}
	return redact.NewSecret(text), nil
}

// unreadable explains why nothing could be read. It names a file only if that exists: the
// secret itself may have been given as the name.
func (c *Console) unreadable(ctx context.Context, from Input, what string, most int64, err error) error {
	named := from.String()
	if _, lstat := os.Lstat(from.File); lstat == nil && !from.stdin() {
		named = from.File
	}
	_, noText := errors.AsType[*textfile.Error](err)
	switch reason, ok := errors.AsType[*fs.PathError](err); {
	case ctx.Err() != nil:
		return Fail(ExitOther, "", "interrupted before the %s was read", what)
	case errors.Is(err, textfile.ErrTooLarge):
		return Fail(ExitUsage, "", "%s is longer than %d KiB, too long for a %s", named, most>>10, what)
	case errors.Is(err, fs.ErrNotExist):
		return Fail(ExitUsage, fmt.Sprintf("Give the name of a file on this machine that holds the %s, never the %s itself.", what, what), "--%s: there is no such file", from.Flag)
	case noText:
		remedy := ""
		if what == SealedToken {
			remedy = "Give what 'starter seal' has written, or age --armor."
		}
		return Fail(ExitUsage, remedy, "%s cannot be used: %v", named, err)
	case ok: // without the name, which the reason in it repeats
		return Fail(ExitUsage, "", "%s cannot be read: %v", named, reason.Err)
	}
	return Fail(ExitUsage, "", "%s cannot be read", named)
}

// warnOfReaders warns of a file that every user of the machine can read. It is still read.
func (c *Console) warnOfReaders(from Input, what string, info os.FileInfo) {
	if info == nil || !EverybodyReads(info) {
		return
	}
	c.Warn("every user of this machine can read the %s in %s (mode %04o). If that is not meant: chmod 600 %s",
		what, from.File, info.Mode().Perm(), ShellWord(from.File))
}

// EverybodyReads reports whether every user of the machine can read a file.
func EverybodyReads(info os.FileInfo) bool {
	const others = 0o004
	return info.Mode().IsRegular() && info.Mode().Perm()&others != 0
}

// interruptible returns when the context ends and leaves the work running: reading cannot be
// stopped.
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
