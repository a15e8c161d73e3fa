package opsmanagertest

import (
	"fmt"
	"time"
)

// Duration is a time.Duration that JSON writes as a string such as "1m30s".
type Duration time.Duration

// After returns a pointer to d, for settings in which nil differs from zero.
func After(d time.Duration) *Duration {
	return new(Duration(d))
}

// String formats d like a time.Duration.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It rejects negative durations.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil || parsed < 0 {
		return fmt.Errorf("%q is not a duration such as \"5s\", \"1m30s\" or \"0s\"", text)
	}
	*d = Duration(parsed)
	return nil
}
