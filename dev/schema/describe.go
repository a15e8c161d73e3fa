package schema

import (
	"reflect"
	"regexp"
	"strings"
)

// describe returns the comment of a type, or of one of its fields, in the words of
// the JSON.
func (c *contract) describe(t reflect.Type, field string) string {
	if t.Name() == "" {
		return ""
	}
	key := t.Name()
	if field != "" {
		key += "." + field
	}
	return c.inJSON(t.Name(), c.comments[key])
}

// elsewhere are Go functions that a reader of JSON finds in a definition.
var elsewhere = map[string]string{"Blockable": "`" + ErrorType + "`"}

// properNoun is a field, too.
const properNoun = "Atlas"

var (
	paragraphs = regexp.MustCompile(`\n\s*\n`)
	arrays     = regexp.MustCompile(`\[\]([A-Z]\w*)`)
	names      = regexp.MustCompile(`\b[A-Z]\w*(\.[A-Z]\w*)*\b`)
)

// inJSON replaces the names of Go, of constants and of fields of a type, by what
// they are in JSON.
func (c *contract) inJSON(owner, comment string) string {
	var lines []string
	for _, paragraph := range paragraphs.Split(strings.TrimSpace(comment), -1) {
		lines = append(lines, strings.Join(strings.Fields(paragraph), " "))
	}
	text := arrays.ReplaceAllString(strings.Join(lines, "\n\n"), "list of $1")
	start := true
	return names.ReplaceAllStringFunc(text, func(name string) string {
		first := start
		start = false
		if name == properNoun && !first {
			return name
		}
		return c.nameInJSON(owner, name)
	})
}

func (c *contract) nameInJSON(owner, name string) string {
	if other, ok := elsewhere[name]; ok {
		return other
	}
	if value, ok := c.value(name); ok {
		return "`" + value + "`"
	}
	if path, ok := c.path(owner, strings.Split(name, ".")); ok {
		return "`" + path + "`"
	}
	of, rest, found := strings.Cut(name, ".")
	if path, ok := c.path(of, strings.Split(rest, ".")); found && ok {
		return "`" + of + "." + path + "`"
	}
	return c.fieldOfAny(name)
}

var camelCase = regexp.MustCompile(`[a-z][A-Z]`)

// fieldOfAny is the JSON of a field, of whatever type, whose name is no word.
func (c *contract) fieldOfAny(name string) string {
	if c.pkg.Types.Scope().Lookup(name) != nil || !camelCase.MatchString(name) {
		return name
	}
	for _, fields := range c.jsonName {
		if found := fields[name]; found != "" {
			return "`" + found + "`" // one name has one form, see the tests
		}
	}
	return name
}

// path is that of a field in the JSON of a type.
func (c *contract) path(owner string, fields []string) (string, bool) {
	name, ok := c.jsonName[owner][fields[0]]
	if !ok || len(fields) == 1 {
		return name, ok
	}
	rest, ok := c.path(c.fieldOf[owner][fields[0]], fields[1:])
	return name + "." + rest, ok
}
