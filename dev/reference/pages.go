package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/guide"
	"github.com/migrationlink/migrationlink/opsmanager/opsmanagertest"
)

const generated = "\nThis page is generated: after a change of %s, run `" + regenerate + "`.\n"

// errorsPage explains every error type.
func errorsPage() string {
	var page strings.Builder
	page.WriteString("# Errors\n\nEvery error type, what it means and what to do. `starter explain TYPE` prints the same text.\n")
	fmt.Fprintf(&page, generated, "`internal/guide`")
	for _, effect := range guide.Effects() {
		fmt.Fprintf(&page, "\n## %s\n\n%s\n", effect.Heading(), effect.Consequence())
		for _, e := range guide.Errors() {
			if e.Effect == effect {
				writeError(&page, e)
			}
		}
	}
	return page.String()
}

func writeError(page *strings.Builder, e guide.Error) {
	fmt.Fprintf(page, "\n### %s\n\n%s\n", e.Type, e.Meaning)
	if e.CanWait() {
		fmt.Fprintf(page, "%s\n", e.Consequence())
	}
	if e.Example != "" {
		fmt.Fprintf(page, "\n```text\n%s\n```\n", e.Example)
	}
	page.WriteString("\n")
	for i, step := range e.Steps {
		fmt.Fprintf(page, "%d. %s\n", i+1, step)
	}
}

const exitCodesIntroduction = `# Exit codes of starter

The exit code of a command says how it ended, for scripts.
`

const exitCodesOutput = `
Results are written to stdout, progress and errors to stderr. With ` + "`-o json`" + ` a command prints at most one JSON object. ` + "`starter link`" + ` prints one for every outcome.

An error is a single JSON object on stderr, ` + "`" + `{"error":{"code","message","remedy","problems"}}` + "`" + `. ` + "`problems`" + ` is there if several fields are wrong.

Give each flag once: a second value is refused with 2. The lists ` + "`--state`, `--problem`, `--outcome` and `--access-list-ip`" + ` are exceptions.
`

// exitCodesPage lists the exit codes.
func exitCodesPage() string {
	var page strings.Builder
	page.WriteString(exitCodesIntroduction)
	fmt.Fprintf(&page, generated, "`internal/console`")
	page.WriteString("\n| code | meaning |\n| --- | --- |\n")
	for _, code := range console.ExitCodes() {
		fmt.Fprintf(&page, "| %d | %s |\n", code.Code, code.Meaning)
	}
	page.WriteString(exitCodesOutput)
	return page.String()
}

const workerIntroduction = `# worker.toml

Every setting of a worker. [examples/worker.toml](../../examples/worker.toml) is a complete file with comments.
`

const workerRules = `
Unknown keys are errors, and all problems are reported at once. The file may be at most 64 KiB long. A worker refuses a file of a key or a link-token that others may read.

A worker reloads this file and the files that it names when they change, and on SIGHUP. The log says what needs a restart. An invalid file is ignored: the previous configuration stays active.

Names of managers and Atlas connections are 1 to 63 lower-case letters, digits and inner hyphens.

## Proxy

Calls to managers and Atlas use the proxy in ` + "`HTTPS_PROXY`" + ` (` + "`HTTP_PROXY`" + ` for plain ` + "`http`" + `), except to hosts in ` + "`NO_PROXY`" + ` and to loopback. A worker refuses to start if such a variable is malformed.
`

// workerPage lists the settings of a worker.
func workerPage() string {
	var page strings.Builder
	page.WriteString(workerIntroduction)
	fmt.Fprintf(&page, generated, "`internal/config`")
	section := ""
	for _, key := range config.Keys() {
		if key.Section != section {
			section = key.Section
			fmt.Fprintf(&page, "\n## [%s]\n\n", section)
		}
		fmt.Fprintf(&page, "- `%s`: %s", key.Name, key.Accepts)
		switch key.Default {
		case "":
		case "required":
			page.WriteString(", required")
		default:
			page.WriteString(", default " + key.Default)
		}
		fmt.Fprintf(&page, ". %s\n", key.Meaning)
	}
	return page.String() + "\n## Rules\n" + workerRules
}

// simulatorPage puts the page of the simulator into the block at the end of a text.
func simulatorPage(text string) (string, error) {
	server := opsmanagertest.NewServer(opsmanagertest.Options{})
	defer server.Close()
	front := httptest.NewRecorder()
	server.ServeHTTP(front, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil))
	if front.Code != http.StatusOK {
		return "", fmt.Errorf("the simulator answers %d", front.Code)
	}
	const heading = "\n## Its page\n\n"
	written, _, found := strings.Cut(text, heading)
	if !found {
		return "", errors.New("simulator.md has no section \"Its page\"")
	}
	return written + heading + "`curl http://127.0.0.1:8080/` prints:\n\n<!-- example: ../reference/reference_test.go, simulator.md -->\n```text\n" + strings.TrimSpace(front.Body.String()) + "\n```\n", nil
}

const requestIntroduction = `# Request and result

The JSON of the messages between callers and workers. [schema.json](schema.json) describes the same for programs, and [Errors](errors.md) has the values of ErrorType.
In an answer, a required field is always there.
`

// flagsTable is about the flags of starter link: the schema has no flags.
const flagsTable = `
## Flags of starter link

| flag | field | default |
| --- | --- | --- |
| ` + "`--manager`" + ` | ` + "`manager`" + ` | required |
| ` + "`--org`" + ` | ` + "`orgId`" + ` | required |
| ` + "`--token-ref`" + ` | ` + "`token.ref`" + ` | one source is required |
| ` + "`--token-stdin`, `--token-file`, `--sealed-token-file`" + ` | ` + "`token.sealed`, `token.fingerprint`" + ` | |
| ` + "`--atlas`, `--atlas-org`, `--access-list-ip`" + ` | ` + "`token.atlas`: `name`, `orgId`, `accessListIps`" + ` | |
| ` + "`--verify-in-atlas`" + ` | ` + "`verifyInAtlas`" + ` | ` + "`false`" + ` |
| ` + "`--delete-token-on-undo`" + ` | ` + "`deleteTokenOnUndo`" + ` | ` + "`false`" + ` |
| ` + "`--undo`" + ` | ` + "`undo`" + ` | ` + "`on-cancel`" + ` |
| ` + "`--if-linked`" + ` | ` + "`ifLinked`" + ` | ` + "`keep`" + ` |
| ` + "`--on-blocked`" + ` | ` + "`onBlocked`" + ` | ` + "`fail`" + ` |
| ` + "`--create-timeout`" + ` | ` + "`createTimeout`" + ` | ` + "`10m`" + `, from 5 s to 24 h |
| ` + "`--sync-timeout`" + ` | ` + "`syncTimeout`" + ` | ` + "`1h`" + `, from 3 s to 720 h |
| ` + "`--settle-time`" + ` | ` + "`settleTime`" + ` | ` + "`1m`" + `, at least 3 s |

With ` + "`verifyInAtlas`" + ` and ` + "`token.atlas`" + `, the link waits for Atlas for at most ` + "`syncTimeout`" + ` more.
Atlas takes no id for ` + "`deleteTokenOnUndo`" + `: the call removes one link of the target organization.

One workflow at a time works on an organization. A second start with an equal request joins the running one.
A start with a different request is refused, with the fields that differ. After the end, a start begins again.
`

// messages are in the page in this order, followed by those that they refer to.
var messages = []string{
	"LinkRequest", "TokenSource", "AtlasToken", "UnlinkRequest", "LinkResult", "Status", "Problem", "Progress", "AtlasResult", "Action",
}

// requestPage lists the fields of the messages of links.
func requestPage(schemaFile string) (string, error) {
	text, err := os.ReadFile(schemaFile) //nolint:gosec // the file of the repository
	if err != nil {
		return "", err
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		return "", err
	}
	var page strings.Builder
	page.WriteString(requestIntroduction)
	fmt.Fprintf(&page, generated, "`schema.json`")
	page.WriteString(flagsTable)
	for _, name := range append(slices.Clone(messages), others(schema.Definitions)...) {
		definition, ok := schema.Definitions[name]
		if !ok {
			return "", fmt.Errorf("the schema has no %s", name)
		}
		writeMessage(&page, name, definition)
	}
	return page.String(), nil
}

// others are the definitions that have no place in messages.
func others(all jsonschema.Definitions) (names []string) {
	for name := range all {
		if name != "ErrorType" && !slices.Contains(messages, name) { // errors.md has the types
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func writeMessage(page *strings.Builder, name string, definition *jsonschema.Schema) {
	fmt.Fprintf(page, "\n## %s\n\n", name)
	if definition.Properties.Len() == 0 { // its description lists the values
		fmt.Fprintf(page, "%s\n", definition.Description)
		return
	}
	fmt.Fprintf(page, "%s\n\n", oneLine(definition.Description))
	for field := definition.Properties.Oldest(); field != nil; field = field.Next() {
		kind := typeOf(field.Value)
		if slices.Contains(definition.Required, field.Key) {
			kind += ", required"
		}
		fmt.Fprintf(page, "- `%s` (%s)%s\n", field.Key, kind, described(field.Value.Description))
	}
}

func described(text string) string {
	if text == "" {
		return ""
	}
	return ": " + oneLine(text)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func typeOf(s *jsonschema.Schema) string {
	switch {
	case s.Ref != "":
		return strings.TrimPrefix(s.Ref, "#/$defs/")
	case s.Type == "array" && s.Items != nil:
		return "list of " + typeOf(s.Items)
	case s.Format == "date-time":
		return "time"
	case s.Type == "":
		return "any"
	}
	return s.Type
}
