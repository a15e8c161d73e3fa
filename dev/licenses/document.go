package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

const head = `# Licences of the code in the programs

` + "`make licenses` writes this file and `make check` compares it. It lists the modules with code in `worker`, `starter` or `simulator`" + `, on any system
that they are released for. Modules that only tests and tools need are not listed.

| module | version | licence |
| --- | --- | --- |
`

// text is one that several modules may share.
type text struct {
	license
	modules []string
}

// write writes the list of modules, then every text once. It fails for a module
// without an accepted licence.
func write(to io.Writer, modules []module) error {
	var texts []*text
	document := bytes.NewBufferString(head)
	for _, m := range modules {
		licenses, err := m.licenses()
		if err != nil {
			return err
		}
		var names []string
		for _, l := range licenses {
			texts = add(texts, l, m.path)
			names = append(names, l.names...)
		}
		fmt.Fprintf(document, "| %s | %s | %s |\n", m.path, m.version, cmp.Or(expression(names), unstated[m.path]))
	}
	document.WriteString("\n## Texts\n")
	for _, t := range texts {
		fmt.Fprintf(document, "\n### %s\n\n%s\n\n```text\n%s\n```\n", cmp.Or(expression(t.names), "Notice"), strings.Join(t.modules, ", "), t.text)
	}
	_, err := document.WriteTo(to)
	return err
}

// expression joins licences as SPDX does, each once.
func expression(names []string) string {
	var unique []string
	for _, name := range names {
		if !slices.Contains(unique, name) {
			unique = append(unique, name)
		}
	}
	return strings.Join(unique, " AND ")
}

// add adds a text, or the module to a text that differs in white space, case and commas
// at most.
func add(texts []*text, l license, module string) []*text {
	plain := func(text string) string {
		return strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(text, ",", " ")), " "))
	}
	for _, t := range texts {
		if plain(t.text) == plain(l.text) {
			if !slices.Contains(t.modules, module) {
				t.modules = append(t.modules, module)
			}
			return texts
		}
	}
	return append(texts, &text{l, []string{module}})
}
