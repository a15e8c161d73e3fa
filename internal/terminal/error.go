package terminal

import "strings"

// Error is an error in the parts that a person reads.
type Error struct {
	Message  string   // lower case, no full stop
	Problems []string // one per field
	Remedy   string   // whole sentences
}

func (e Error) Error() string {
	message := e.Message
	if len(e.Problems) > 0 {
		message += ": " + strings.Join(e.Problems, "; ")
	}
	if e.Remedy == "" {
		return message
	}
	return strings.TrimSuffix(message, ".") + ". " + e.Remedy
}

// leastWidth is for a terminal that is too narrow for sentences.
const leastWidth = 20

// Text is what a program prints: the cause and the remedy on lines of their own. A width of 0
// means no terminal: then no sentence is broken.
func (e Error) Text(program string, width int) string {
	message := e.Message
	if len(e.Problems) > 0 {
		message += ":"
	}
	lines := indented("", program+": "+message, width)
	for _, problem := range e.Problems {
		lines = append(lines, indented("  ", problem, width)...)
	}
	if e.Remedy != "" {
		lines = append(lines, indented("", e.Remedy, width)...)
	}
	return strings.Join(lines, "\n") + "\n"
}

// indented wraps a sentence. Its continuation lines stand two columns further right.
func indented(indent, text string, width int) []string {
	if width == 0 {
		return []string{indent + text}
	}
	var lines []string
	for _, line := range Wrap(text, max(width-len(indent)-len("  ")-1, leastWidth)) {
		lines = append(lines, indent+line)
		if len(lines) == 1 {
			indent += "  "
		}
	}
	return lines
}
