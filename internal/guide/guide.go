// Package guide explains the error types of the contract and the exit codes of starter. The
// command "starter explain" and the reference in docs are made from it.
package guide

import (
	"slices"
	"strings"

	"github.com/migrationlink/migrationlink"
)

// Effect says what an error type does to a request.
type Effect string

// The effects, in the order of the reference.
const (
	Ends    Effect = "ends"    // the request ends with it
	Retries Effect = "retries" // the call is made again
	Refuses Effect = "refuses" // an update or a signal is refused
)

// Effects returns all effects, in the order of the reference.
func Effects() []Effect { return []Effect{Ends, Retries, Refuses} }

// Heading names the error types of an effect.
func (e Effect) Heading() string {
	switch e {
	case Retries:
		return "Errors that are retried"
	case Refuses:
		return "Errors that refuse an update or a second request"
	case Ends:
	}
	return "Errors that end a request"
}

// Consequence says what happens after an error of the effect.
func (e Effect) Consequence() string {
	switch e {
	case Retries:
		return "The call is made again until the deadline. A link or an unlink does not end with this type. `ListOrganizations` and `ListProjectsInAtlas` do, after three attempts."
	case Refuses:
		return "Nothing changes: the running link continues as before."
	case Ends:
	}
	return "The request ends. What a retry can solve was already retried."
}

// Error explains one error type. The remedy in a message names the key, the file or the
// organization at hand; this is the text behind it.
type Error struct {
	Type    string   `json:"type"`
	Effect  Effect   `json:"effect"`
	Meaning string   `json:"meaning"`           // whole sentences
	Example string   `json:"example,omitempty"` // a message
	Steps   []string `json:"steps"`             // what to do, in order
}

// CanWait reports whether a request that waits when blocked waits for a person to fix it.
func (e Error) CanWait() bool { return migrationlink.Blockable(e.Type) }

// Consequence says what happens after the error.
func (e Error) Consequence() string {
	if e.CanWait() {
		return "The request ends. With --on-blocked wait it waits for 'starter retry' instead, until the deadline."
	}
	return e.Effect.Consequence()
}

// Summary is the first sentence of the meaning.
func (e Error) Summary() string {
	first, _, _ := strings.Cut(e.Meaning, ". ")
	return strings.TrimSuffix(first, ".")
}

// Errors returns all error types, by effect and then by name.
func Errors() []Error {
	all := slices.Concat(ending, retried, refusing)
	slices.SortStableFunc(all, func(a, b Error) int {
		if a.Effect != b.Effect {
			return slices.Index(Effects(), a.Effect) - slices.Index(Effects(), b.Effect)
		}
		return strings.Compare(a.Type, b.Type)
	})
	return all
}

// Lookup finds an error type by its name, in any case.
func Lookup(name string) (Error, bool) {
	for _, e := range Errors() {
		if strings.EqualFold(e.Type, name) {
			return e, true
		}
	}
	return Error{}, false
}
