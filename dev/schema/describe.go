package schema

import (
	"reflect"
	"regexp"
	"strings"
)

// describe returns the comment of a type, or of one of its fields, with the names that
// a reader of JSON knows.
func (c *contract) describe(t reflect.Type, field string) string {
	return c.inJSON(t.Name(), c.comments[strings.TrimSuffix(t.Name()+"."+field, ".")])
}

var (
	paragraphs = regexp.MustCompile(`\n\s*\n`)
	arrays     = regexp.MustCompile(`\[\]([A-Z]\w*)`)
	names      = regexp.MustCompile(`\b[A-Z]\w*(\.[A-Z]\w*)*\b`)
	camelCase  = regexp.MustCompile(`[a-z][A-Z]`)
)

// inJSON replaces the Go names of constants and fields in a comment of owner by what
// they are in JSON.
func (c *contract) inJSON(owner, comment string) string {
	var lines []string
	for _, paragraph := range paragraphs.Split(strings.TrimSpace(comment), -1) {
		lines = append(lines, strings.Join(strings.Fields(paragraph), " "))
	}
	text := arrays.ReplaceAllString(strings.Join(lines, "\n\n"), "list of $1")
	first := true
	return names.ReplaceAllStringFunc(text, func(name string) string {
		// Inside a sentence, Atlas is the product. A comment begins with the name of its type, which may be that of a
		// field, too.
		isProduct, isType := name == "Atlas" && !first, name == owner && first
		if !isProduct && !isType {
			name = c.nameInJSON(owner, name)
		}
		first = false
		return name
	})
}

func (c *contract) nameInJSON(owner, name string) string {
	if name == "Blockable" { // a function; the definition says the same
		return "`" + ErrorType + "`"
	}
	if value, ok := c.value(name); ok {
		return "`" + value + "`"
	}
	if path, ok := c.path(owner, name); ok {
		return "`" + path + "`"
	}
	of, rest, _ := strings.Cut(name, ".")
	if path, ok := c.path(of, rest); ok {
		return "`" + of + "." + path + "`"
	}
	if c.scope.Lookup(name) != nil || !camelCase.MatchString(name) {
		return name
	}
	for _, fields := range c.jsonName {
		if found := fields[name]; found != "" {
			return "`" + found + "`" // the tests check that a name is the same in all types
		}
	}
	return name
}

// path returns the JSON path of a Go path, such as Token.Atlas, in a type.
func (c *contract) path(owner, fields string) (string, bool) {
	field, rest, more := strings.Cut(fields, ".")
	name, ok := c.jsonName[owner][field]
	if !ok || !more {
		return name, ok
	}
	rest, ok = c.path(c.fieldOf[owner][field], rest)
	return name + "." + rest, ok
}
