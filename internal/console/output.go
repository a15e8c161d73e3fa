package console

import (
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/migrationlink/migrationlink/internal/words"
	"github.com/migrationlink/migrationlink/redact"
)

// Output is a stream of the process. It passes printable text and line breaks on, see
// redact.Printable, and keeps the first error, as most callers ignore those of writing.
type Output struct {
	to       io.Writer
	terminal bool // what moves its cursor, and its colours, pass as well
	named    func(string) string

	mu     sync.Mutex
	failed error
}

func (o *Output) Write(text []byte) (int, error) {
	shown := string(text)
	if o.named != nil {
		shown = o.named(shown)
	}
	_, err := io.WriteString(o.to, o.printable(shown))
	if err == nil {
		return len(text), nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = err
	}
	return 0, err
}

func (o *Output) printable(text string) string {
	return strings.Map(func(r rune) rune {
		layout := r == '\n' || r == '\t' || o.terminal && (r == '\r' || r == '\x1b')
		if layout {
			return r
		}
		return []rune(redact.Printable(string(r)))[0]
	}, text)
}

// Problem is why something could not be written. A closed pipe is none: its reader has
// read enough.
func (o *Output) Problem() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil || isClosedPipe(o.failed) {
		return nil
	}
	reason := o.failed
	if detailed, ok := errors.AsType[*os.PathError](reason); ok {
		reason = detailed.Err
	}
	return Fail(ExitOther, "", "the output could not be written: %v", reason)
}

// Caused reports whether err only means that something could not be written.
func (o *Output) Caused(err error) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed != nil && errors.Is(err, o.failed) && FailureOf(err).Message == words.OneLine(err.Error())
}

func isClosedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}

// Watched has the streams of e checked and filtered.
func (e Environment) Watched() (Environment, *Output) {
	width := e.TerminalWidth
	stdout := &Output{to: e.Stdout, terminal: width(e.Stdout) > 0}
	e.Stdout, e.Stderr = stdout, &Output{to: e.Stderr, terminal: width(e.Stderr) > 0}
	e.TerminalWidth = func(w io.Writer) int { return width(Underlying(w)) }
	return e, stdout
}

// Underlying is the stream itself.
func Underlying(w io.Writer) io.Writer {
	if wrapped, ok := w.(*Output); ok {
		return wrapped.to
	}
	return w
}
