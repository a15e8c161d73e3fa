package config

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/secret"
	"github.com/migrationlink/migrationlink/redact"
)

// section reads the settings of one table of the file. It records every problem and
// continues, while decoding into structs would stop at the first wrong type. A problem
// never contains a value: it may be a secret.
type section struct {
	path     string
	values   map[string]any
	asked    []string
	all      *findings
	reader   secret.Reader
	reported []string // keys that have a problem
}

// findings are shared by all sections of a file.
type findings struct {
	Error
	warnings []string
	files    []string // named by the settings
	private  []privateFile
}

func (s *section) report(key, problem string) {
	path := strings.Trim(s.path+"."+key, ".")
	s.reported = append(s.reported, key)
	s.all.Problems = append(s.all.Problems, path+": "+problem)
}

// reportError reports why something could not be read.
func (s *section) reportError(key string, err error) {
	s.all.Local = s.all.Local || secret.IsLocal(err)
	s.report(key, err.Error())
}

// has reports whether the setting is set.
func (s *section) has(key string) bool {
	_, found := s.values[key]
	return found
}

// warn records an accepted risk.
func (s *section) warn(key, warning string) {
	s.all.warnings = append(s.all.warnings, strings.Trim(s.path+"."+key, ".")+": "+warning)
}

// uses records a file that a setting names.
func (s *section) uses(path string) { s.all.files = append(s.all.files, absolute(path)) }

// usesPrivate records a file that must never be sent to a manager.
func (s *section) usesPrivate(key, path string) {
	s.uses(path)
	s.all.private = append(s.all.private, privateFile{"the file of " + strings.Trim(s.path+"."+key, "."), absolute(path)})
}

func absolute(path string) string {
	if found, err := filepath.Abs(path); err == nil {
		return found
	}
	return path
}

// bad reports whether the setting already has a problem.
func (s *section) bad(key string) bool { return slices.Contains(s.reported, key) }

// end reports unknown keys.
func (s *section) end() {
	for _, key := range slices.Sorted(maps.Keys(s.values)) {
		if !slices.Contains(s.asked, key) {
			s.report(key, "unknown key; known here are "+strings.Join(s.asked, ", "))
		}
	}
}

func take[T any](s *section, key string, fallback T, form string) T {
	s.asked = append(s.asked, key)
	value, found := s.values[key]
	if !found {
		return fallback
	}
	typed, ok := value.(T)
	if !ok {
		s.report(key, "must be "+form)
		return fallback
	}
	return typed
}

func (s *section) table(key string) *section {
	values := take[map[string]any](s, key, nil, "a section: ["+strings.Trim(s.path+"."+key, ".")+"]")
	return &section{path: strings.Trim(s.path+"."+key, "."), values: values, all: s.all, reader: s.reader}
}

func (s *section) text(key, fallback string) string {
	return take(s, key, fallback, "text in double quotes")
}

func (s *section) flag(key string) bool {
	return take(s, key, false, "true or false, without quotes")
}

func (s *section) oneOf(key, fallback string, allowed []string) string {
	value := s.text(key, fallback)
	if !slices.Contains(allowed, value) {
		s.report(key, "must be one of "+strings.Join(allowed, ", "))
	}
	return value
}

func (s *section) duration(key string, fallback, least, most time.Duration) time.Duration {
	text := s.text(key, fallback.String())
	value, err := time.ParseDuration(text)
	if err != nil || value < least || value > most {
		s.report(key, fmt.Sprintf(`must be a duration from %s to %s, like "%s"`, least, most, fallback))
		return fallback
	}
	return value
}

func (s *section) integer(key string, fallback, least, most int) int {
	form := fmt.Sprintf("a whole number from %d to %d", least, most)
	value := take(s, key, int64(fallback), form)
	if value < int64(least) || value > int64(most) {
		s.report(key, "must be "+form)
	}
	return int(value)
}

// number also accepts an integer, which is another type in TOML.
func (s *section) number(key string, fallback, least, most float64) float64 {
	form := fmt.Sprintf("a number from %g to %g; leave it out for no limit", least, most)
	if whole, ok := s.values[key].(int64); ok {
		s.values[key] = float64(whole)
	}
	value := take(s, key, fallback, form)
	if _, set := s.values[key]; set && !s.bad(key) && (math.IsNaN(value) || value < least || value > most) {
		s.report(key, "must be "+form)
	}
	return value
}

// texts reads a list of strings, of which like is one, as TOML.
func (s *section) texts(key, like string) []string {
	form := "a list of texts in double quotes, like " + like
	values := take[[]any](s, key, nil, form)
	texts := make([]string, 0, len(values))
	for _, value := range values {
		text, ok := value.(string)
		if !ok {
			s.report(key, "must be "+form)
			return nil
		}
		texts = append(texts, text)
	}
	if s.has(key) && !s.bad(key) && len(texts) == 0 {
		s.report(key, "is empty; leave it out, or make it "+form)
	}
	return texts
}

func (s *section) secret(key string) redact.Secret {
	reference := s.text(key, "")
	if s.bad(key) {
		return redact.Secret{}
	}
	value, err := s.resolve(key, reference, s.reader.Resolve)
	if err != nil {
		s.reportError(key, err)
	}
	return value
}

func (s *section) optionalSecret(key string) redact.Secret {
	if !s.has(key) {
		s.asked = append(s.asked, key)
		return redact.Secret{}
	}
	return s.secret(key)
}

func (s *section) resolve(key, reference string, how func(string) (redact.Secret, error)) (redact.Secret, error) {
	if isTokenVariable(reference) {
		return redact.Secret{}, fmt.Errorf("names a variable that begins with %s, which any request could send to a manager as a link-token; give the variable another name", migrationlink.EnvTokenPrefix)
	}
	if path, ok := secret.File(reference); ok {
		s.usesPrivate(key, path)
	}
	return how(reference)
}
