package adminapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/migrationlink/migrationlink/redact"
)

const (
	// maxErrorParameters limits the parameters of an error. A rejection because of
	// running migrations lists their projects.
	maxErrorParameters = 20
	// maxErrorCode and maxErrorParameter are in characters. The longest codes of the API
	// have about 60. Scrub limits all other texts.
	maxErrorCode, maxErrorParameter = 256, 256
	// maxLarge limits the replies larger than DefaultMaxBody that one client reads at
	// once, and the lists that it collects at once.
	maxLarge = 4
	// shortBody is how much of any reply is read, in bytes. Longer replies are lists and
	// hostile ones: the rest is read of maxLong at a time by one client, and of maxAllLong
	// by the process. A server that sends a megabyte and then stalls costs no more.
	shortBody           = 32 << 10
	maxLong, maxAllLong = 8, 32
)

// allLong are the long replies that the process reads.
var allLong = make(slots, maxAllLong)

// errTooMany is in the error of a list that is too long.
var errTooMany = errors.New("it holds too much")

// List decodes a JSON list element by element, and fails as soon as there are more
// than most. It decodes null as no list.
func List[T any](data []byte, most int) ([]T, error) {
	if bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return nil, nil
	}
	list := []T{}
	err := eachElement(data, func(decode func(any) error) (bool, error) {
		if len(list) == most {
			return false, fmt.Errorf("%w: more than %d elements in a list", errTooMany, most)
		}
		var element T
		if err := decode(&element); err != nil {
			return false, err
		}
		list = append(list, element)
		return true, nil
	})
	return list, err
}

// Head decodes the first elements of a JSON list, and counts all. It leaves out elements of
// another type. A value that is no list is an empty one.
func Head[T any](data []byte, most int) (first []T, count int) {
	_ = eachElement(data, func(decode func(any) error) (bool, error) {
		var element T
		err := decode(&element)
		if err == nil && len(first) < most {
			first = append(first, element)
		}
		count++
		_, otherType := errors.AsType[*json.UnmarshalTypeError](err)
		return err == nil || otherType, nil
	})
	return first, count
}

// eachElement calls next for each element of a JSON list until it returns false.
func eachElement(data []byte, next func(decode func(any) error) (more bool, err error)) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('[') {
		return errors.New("this is no list")
	}
	for decoder.More() {
		if more, err := next(decoder.Decode); !more {
			return err
		}
	}
	return nil
}

// maxName is the length of the longest name that is kept, in characters. Link-tokens and keys
// that a server might put in the place of a name are longer.
const maxName = 64

// Name returns a name from a reply in printable form and without secrets, or "" if it is too
// long for a name.
func (c *Client) Name(call *Call, name string) string {
	if len(name) > maxName*utf8.UTFMax || utf8.RuneCountInString(name) > maxName {
		return ""
	}
	return redact.Line(redact.Clean(name, append(c.secrets(), call.bearers...)...), maxName)
}

// Word is a text in a reply. A value of another type is an empty one: what is only shown must
// not make a whole list unreadable.
type Word string

// UnmarshalJSON accepts any value.
func (w *Word) UnmarshalJSON(data []byte) error {
	*w = Word(valueOf[string](data))
	return nil
}

// slots limit concurrency.
type slots chan struct{}

var errBusy = errors.New("the worker reads as many long replies as it can at once")

// take waits for a slot until half of the time of ctx has passed: the rest is for what the slot is needed for.
func (s slots) take(ctx context.Context) error {
	var late <-chan time.Time
	if end, limited := ctx.Deadline(); limited {
		timer := time.NewTimer(time.Until(end) / 2)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-late:
		return errBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slots) give() { <-s }

// takeLong waits until one more long reply may be read. Call giveLong when it is read.
func (c *Client) takeLong(ctx context.Context) error {
	if err := c.long.take(ctx); err != nil {
		return err
	}
	err := allLong.take(ctx)
	if err != nil {
		c.long.give()
	}
	return err
}

func (c *Client) giveLong() {
	allLong.give()
	c.long.give()
}

// Listing waits until fewer than maxLarge lists are being collected, each by several
// calls. Call done when this list is complete.
func (c *Client) Listing(ctx context.Context, first *Call) (done func(), err error) {
	if err := c.lists.take(ctx); err != nil {
		return nil, c.transportError(ctx, first, err)
	}
	return c.lists.give, nil
}

// truncate returns at most so many characters of a text.
func truncate(text string, most int) string {
	for at := range text {
		if most == 0 {
			return text[:at] + "…"
		}
		most--
	}
	return text
}
