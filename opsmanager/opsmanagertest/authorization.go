package opsmanagertest

import (
	"fmt"
	"strings"
)

// authorization are the parameters of an Authorization header, unquoted, by
// their lower-case names.
type authorization map[string]string

// parseAuthorization reads a header as RFC 7616 writes it. Clients differ in what they
// quote, so a value may be quoted or not whatever its name.
func parseAuthorization(header string) (authorization, error) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return nil, fmt.Errorf("scheme %q is not Digest", scheme)
	}
	parameters := authorization{}
	for rest = skip(rest); rest != ""; rest = skip(rest) {
		name, after, found := strings.Cut(rest, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !found || name == "" {
			return nil, fmt.Errorf("parameter without a value")
		}
		if _, again := parameters[name]; again {
			return nil, fmt.Errorf("parameter %s is given twice", name)
		}
		value, remaining, err := parameterValue(strings.TrimLeft(after, " \t"))
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		parameters[name], rest = value, remaining
	}
	return parameters, nil
}

// skip drops what separates parameters.
func skip(s string) string { return strings.TrimLeft(s, " \t,") }

// parameterValue takes a token or a quoted string off s.
func parameterValue(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s, ',')
		if end < 0 {
			end = len(s)
		}
		return strings.TrimRight(s[:end], " \t"), s[end:], nil
	}
	var unquoted strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return unquoted.String(), s[i+1:], nil
		case s[i] == '\\' && i+1 < len(s):
			i++
			unquoted.WriteByte(s[i])
		default:
			unquoted.WriteByte(s[i])
		}
	}
	return "", "", fmt.Errorf("quote is not closed")
}
