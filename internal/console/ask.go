package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrDeclined means that a person has not answered yes.
var ErrDeclined = errors.New("not confirmed; nothing was sent")

// CanAsk reports whether a person can answer a question: standard input is a terminal.
func (c *Console) CanAsk() bool { return c.Env.HiddenLine(c.Env.Stdin) != nil }

// Confirm asks a question that y or yes confirms. It returns ErrDeclined for any other answer.
func (c *Console) Confirm(ctx context.Context, question string) error {
	fmt.Fprint(c.Env.Stderr, question+" [y/N] ")
	answer, err := interruptible(ctx, func() (string, error) { return readAnswer(c.Env.Stdin) })
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(c.Env.Stderr)
		return ErrDeclined
	case err != nil:
		return err
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return ErrDeclined
}

// readAnswer reads a line, without what follows it.
func readAnswer(from io.Reader) (string, error) {
	const longest = 100
	var line []byte
	for one := make([]byte, 1); len(line) < longest; {
		n, err := from.Read(one)
		switch {
		case n == 1 && one[0] == '\n', errors.Is(err, io.EOF):
			return string(line), nil
		case err != nil:
			return "", err
		}
		line = append(line, one[:n]...)
	}
	return string(line), nil
}
