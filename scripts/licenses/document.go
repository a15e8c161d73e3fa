package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

const head = `# Licences of what is in the programs

Written by ` + "`make licenses`" + `, which ` + "`make check`" + ` compares. It lists the modules of which code is in ` + "`worker`, `starter` or `simulator`" + `, on any
system that they are released for; not what only tests and tools need.

| module | version | licence |
| --- | --- | --- |
`

// text is one that several modules may share.
type text struct {
	license
	of []string
}

// write writes the list, then every text once. A module without a licence that is
// known here is an error.
func write(to io.Writer, modules []module) error {
	var texts []*text
	rows := head
	for _, m := range modules {
		licenses, err := m.read()
		if err != nil {
			return err
		}
		for _, l := range licenses {
			texts = add(texts, l, m.Path)
		}
		rows += fmt.Sprintf("| %s | %s | %s |\n", m.Path, m.Version, expression(m, licenses))
	}
	rows += "\n## Texts\n"
	for _, t := range texts {
		rows += fmt.Sprintf("\n### %s\n\n%s\n\n```text\n%s\n```\n", title(t.Name), strings.Join(t.of, ", "), t.Text)
	}
	_, err := io.WriteString(to, rows)
	return err
}

// expression names the licences of a module, by SPDX.
func expression(m module, licenses []license) string {
	var names []string
	for _, l := range licenses {
		for name := range strings.SplitSeq(l.Name, " AND ") {
			if name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return unstated[m.Path]
	}
	return strings.Join(names, " AND ")
}

func title(name string) string {
	if name == "" {
		return "Notice"
	}
	return name
}

// add adds a text, or whose it is to one that differs in white space at most.
func add(texts []*text, l license, module string) []*text {
	for _, t := range texts {
		if plain(t.Text) == plain(l.Text) {
			if !slices.Contains(t.of, module) {
				t.of = append(t.of, module)
			}
			return texts
		}
	}
	return append(texts, &text{l, []string{module}})
}
