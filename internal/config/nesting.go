package config

import "regexp"

// mostNested is more than any setting needs. The parser takes time and memory
// that grow with the square of the depth: 4 GB for 30 KB of brackets. So no file
// of the size that is read takes more than 2 s.
const mostNested = 4

// texts are where brackets and dots mean nothing: texts of all four kinds, and
// comments. A text without its end, where the parser stops, is one, too.
var texts = regexp.MustCompile(`"""(?s:\\.|[^\\])*?(?:"{3,5}|\\?\z)|'''(?s:.)*?(?:'{3,5}|\z)|"(?:\\.|[^"\\\n])*"?|'[^'\n]*'?|#[^\n]*`)

// nestsTooDeep looks at what has not been parsed yet.
func nestsTooDeep(content []byte) bool {
	depth, dots := 0, 0
	for _, c := range texts.ReplaceAllLiteral(content, nil) {
		switch c {
		case '.':
			dots++
		case '[', '{':
			depth, dots = depth+1, 0
		case ']', '}':
			depth, dots = max(0, depth-1), 0
		case '=', ',', '\n':
			dots = 0
		}
		if depth > mostNested || dots > mostNested {
			return true
		}
	}
	return false
}
