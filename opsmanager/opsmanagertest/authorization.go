package opsmanagertest

import (
	"regexp"
	"strings"
)

// authorization are the parameters of an Authorization header, unquoted, by
// their lower-case names.
type authorization map[string]string

var (
	parameter = regexp.MustCompile(`^([^=,"\s]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^,"][^,]*)?)[ \t,]*`)
	escaped   = regexp.MustCompile(`\\(.)`)
)

// parseAuthorization parses a header (RFC 7616), and reports whether it is valid.
// Clients differ in what they quote, so any value may be quoted or not.
func parseAuthorization(header string) (authorization, bool) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	parameters := authorization{}
	for rest = strings.Trim(rest, " \t,"); rest != ""; {
		match := parameter.FindStringSubmatch(rest)
		if match == nil {
			return nil, false
		}
		name := strings.ToLower(match[1])
		if _, again := parameters[name]; again {
			return nil, false
		}
		parameters[name] = escaped.ReplaceAllString(match[2], "$1") + strings.TrimRight(match[3], " \t")
		rest = rest[len(match[0]):]
	}
	return parameters, strings.EqualFold(scheme, "Digest")
}
