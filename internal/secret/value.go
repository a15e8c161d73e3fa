// Package secret reads secrets from where a reference says they are: the key
// material of a worker's configuration, and the link-tokens that a request
// names. Its errors name the reference and the remedy, never a value.
package secret

import "fmt"

const redacted = "[redacted]"

// Value is a secret that no printing shows. Only Reveal does.
type Value struct {
	// A function, because fmt and other printers reach through unexported
	// fields by reflection, past every method below.
	reveal func() string
}

// NewValue keeps text as a secret.
func NewValue(text string) Value { return Value{reveal: func() string { return text }} }

// Reveal returns the secret itself, or "" for the zero Value.
func (v Value) Reveal() string {
	if v.reveal == nil {
		return ""
	}
	return v.reveal()
}

// String returns "[redacted]".
func (Value) String() string { return redacted }

// Format prints "[redacted]" for every verb.
func (Value) Format(state fmt.State, _ rune) { _, _ = state.Write([]byte(redacted)) }

// MarshalText returns "[redacted]", for JSON and for loggers.
func (Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }
