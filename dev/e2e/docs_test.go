package e2e_test

import (
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The outputs that the pages show are updated only on request:
//
//	go -C dev test ./e2e -run TheDocumentation -update-docs
var updateDocs = flag.Bool("update-docs", false, "write the real outputs into the examples of the documentation")

// pages are the pages whose examples are executed. Above each block, a comment says how:
//
//	<!-- example: run -->            it runs on a system like that of `make dev`
//	<!-- example: run, exit 9 -->    the last command ends with this code
//	<!-- example: run, with --yes --> the last command asks a person
//	<!-- example: parse, REASON -->  it needs what tests do not have; its flags are checked
//	<!-- example: check -->          a worker accepts this configuration, or with
//	                                 "part of a file" this part of one
//	<!-- example: compose NAME -->   deploy/compose/test.sh runs it, or a part with a REASON
//	<!-- example: kubernetes -->     deploy/kubernetes/test compares it with the manifests
//	<!-- example: FILE_test.go, NAME --> another test runs it
var pages = append(howTos(), "README.md", "docs/tutorial.md", "docs/reference/simulator.md", "examples/README.md", typeScriptPage)

func howTos() (files []string) {
	found, err := filepath.Glob("../../docs/how-to/*.md")
	if err != nil || len(found) == 0 {
		panic("no pages in docs/how-to")
	}
	for _, file := range found {
		files = append(files, strings.TrimPrefix(filepath.ToSlash(file), "../../"))
	}
	return files
}

// preparations are what a reader of a page has, or does before: ORG_ID is blocked.
var preparations = map[string]string{
	"docs/how-to/monitor.md": `curl -sf -o /dev/null -X PUT ` + shownSimulator + `/simulator/orgs/ORG_ID -d '{"refusal":"IP_ADDRESS_NOT_ON_ACCESS_LIST"}'
starter link --manager prod --org ORG_ID --token-ref env:LINK_TOKEN_DEMO --on-blocked wait --detach || [ $? = 9 ]`,
}

func TestTheDocumentationWorksAsTyped(t *testing.T) {
	t.Parallel()
	for _, name := range pages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join("../..", name)
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			p := &page{t: t, name: name, lines: strings.Split(string(text), "\n")}
			p.examples = p.blocks()
			if before := preparations[name]; before != "" {
				done := p.terminal().run(before)
				require.Zero(t, done.code, "%s%s", done.stdout, done.stderr)
			}
			p.run()
			if *updateDocs {
				require.NoError(t, os.WriteFile(file, []byte(p.updated()), 0o600))
			}
		})
	}
}

// inline is a command in a sentence, in which "…" stands for the rest.
var inline = regexp.MustCompile("`((?:starter|worker|temporal (?:operator|task-queue|worker|workflow)) [^`|]+)`")

func TestTheCommandsInSentencesHaveTheFlagsOfThePrograms(t *testing.T) {
	t.Parallel()
	var found int
	others, err := filepath.Glob("../../docs/explanation/*.md")
	require.NoError(t, err)
	for i, file := range others {
		others[i] = strings.TrimPrefix(filepath.ToSlash(file), "../../")
	}
	others = append(others, "docs/releasing.md", "docs/architecture.md", "SECURITY.md", "CONTRIBUTING.md")
	for _, name := range slices.Concat(pages, others) {
		text, err := os.ReadFile(filepath.Join("../..", name))
		require.NoError(t, err)
		for _, command := range inline.FindAllStringSubmatch(string(text), -1) {
			requireParsed(t, []string{strings.ReplaceAll(command[1], "…", "")})
			found++
		}
	}
	require.Greater(t, found, 40)
}

// example is a fenced block of a page.
type example struct {
	language, how string
	first, last   int // its lines, without the fences
	indent        string
	lines         []string
}

type page struct {
	t        *testing.T
	name     string
	lines    []string
	examples []example
	shell    *shell
}

var (
	fence  = regexp.MustCompile("^( *)```([a-z]*)$")
	marker = regexp.MustCompile(`^ *<!-- example: (.+) -->$`)
)

func (p *page) blocks() (found []example) {
	p.t.Helper()
	var open *example
	for i, line := range p.lines {
		match := fence.FindStringSubmatch(line)
		switch {
		case match == nil && open != nil:
			open.lines = append(open.lines, strings.TrimPrefix(line, open.indent))
		case match == nil:
			require.NotRegexp(p.t, `^ {4,}\S`, line, "line %d: put code between fences, so that a test can run it", i+1)
		case open != nil:
			open.last = i
			found, open = append(found, *open), nil
		default:
			open = &example{language: match[2], indent: match[1], first: i + 1}
			if said := marker.FindStringSubmatch(p.lines[max(i-1, 0)]); said != nil {
				open.how = said[1]
			}
		}
	}
	require.Nil(p.t, open, "a block has no end")
	return found
}

func (p *page) run() {
	p.t.Helper()
	for i := range p.examples {
		b := &p.examples[i]
		where := fmt.Sprintf("line %d", b.first)
		how, detail, _ := strings.Cut(b.how, ", ")
		switch {
		case b.language == "go":
			_, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+strings.Join(b.lines, "\n")+"\n}", 0)
			require.NoError(p.t, err, where)
		case strings.HasSuffix(how, "_test.go"):
			requireMentioned(p.t, how, `\b`+regexp.QuoteMeta(filepath.Base(p.name))+`"`, where)
			requireMentioned(p.t, how, `"`+detail, where)
		case strings.HasPrefix(how, "compose "):
			requireMentioned(p.t, "../../deploy/compose/test.sh", `(typed|shown|documented) `+strings.TrimSuffix(filepath.Base(p.name), ".md")+" "+strings.TrimPrefix(how, "compose ")+`\b`, where)
		case how == "kubernetes":
			require.Equal(p.t, "docs/how-to/run-on-kubernetes.md", p.name, "the page that deploy/kubernetes/test reads")
		case how == "check" && b.language == "toml":
			requireConfiguration(p.t, strings.Join(b.lines, "\n")+restOf[detail])
		case how == "parse" && detail != "" && b.language == "sh":
			requireParsed(p.t, b.lines)
		case how == "run" && b.language == "sh":
			script := strings.Join(b.lines, "\n")
			if rest, answered := strings.CutPrefix(detail, "with --yes"); answered {
				script, detail = script+" --yes", strings.TrimPrefix(rest, ", ")
			}
			done := p.terminal().run(script)
			require.Equal(p.t, exitIn(p.t, detail), done.code, "%s\n%s%s", where, done.stdout, done.stderr)
		case how == "run" && b.language == "console":
			p.requireShown(b, exitIn(p.t, detail))
		default:
			p.t.Errorf("%s: a block %q with the marker %q: see the variable pages", where, b.language, b.how)
		}
	}
}

// restOf completes a configuration of which a page shows a part.
var restOf = map[string]string{"part of a file": `
[managers.prod]
base_url    = "https://opsmanager.example.com:8443"
public_key  = "file:/etc/migrationlink/keys/prod_public_key"
private_key = "file:/etc/migrationlink/keys/prod_private_key"
`}

// requireMentioned checks that a test exists and knows of an example.
func requireMentioned(t *testing.T, file, pattern, where string) {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err, where)
	require.Regexp(t, pattern, string(text), "%s: %s does not run this example", where, file)
}

// shownTo returns the examples of a page that a test runs, by name. The commands are as
// typed, one on each line.
func shownTo(t *testing.T, test, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	require.NoError(t, err)
	p := &page{t: t, name: name, lines: strings.Split(string(text), "\n")}
	found := map[string][]string{}
	for _, b := range p.blocks() {
		if how, detail, _ := strings.Cut(b.how, ", "); how == test {
			found[detail] = b.lines
		}
	}
	require.NotEmpty(t, found, name)
	return found
}

// exitIn returns the code in "exit 9".
func exitIn(t *testing.T, detail string) int {
	t.Helper()
	if detail == "" {
		return 0
	}
	code, err := strconv.Atoi(strings.TrimPrefix(detail, "exit "))
	require.NoError(t, err)
	return code
}

// requireShown runs the commands of a block and compares their outputs.
func (p *page) requireShown(b *example, exit int) {
	p.t.Helper()
	var shown []string
	code := 0
	for _, line := range b.lines {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		done := p.terminal().run("exec 2>&1\n" + command)
		code = done.code
		shown = append(shown, line)
		if output := strings.TrimRight(p.terminal().public(done.stdout), "\n"); output != "" {
			shown = append(shown, strings.Split(output, "\n")...)
		}
	}
	require.Equal(p.t, exit, code, "line %d: %s", b.first, strings.Join(shown, "\n"))
	have, want := alikeShown(shown), alikeShown(b.lines)
	if *updateDocs && have != want {
		b.lines = shown
		return
	}
	require.Equal(p.t, want, have, "line %d; -update-docs writes what is shown", b.first)
}

func (p *page) updated() string {
	lines := slices.Clone(p.lines)
	for _, b := range slices.Backward(p.examples) {
		for i, line := range b.lines {
			if line != "" {
				b.lines[i] = b.indent + line
			}
		}
		lines = slices.Replace(lines, b.first, b.last, b.lines...)
	}
	return strings.Join(lines, "\n")
}

// alikeShown returns an output without what differs between two runs.
func alikeShown(lines []string) string {
	text := strings.Join(lines, "\n")
	for _, differs := range []struct{ pattern, same string }{
		{`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`, "RUN"},
		{`\d{4}-\d\d-\d\dT[0-9:.]+Z`, "TIME"},
		{`(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d`, "TIME"}, // with the date, if it is not today's
		{`\bage1[0-9a-z]+`, "RECIPIENT"},
		{`\d+ polls?`, "N polls"},
		{`\b(\d+h ?)?(\d+m ?)?\d+(\.\d+)?(ms|s|m|h)\b`, "DURATION"},
		{`\b(now|in \d+ (s|min|h|d)( \d+ min)?|\d+ (s|min|h|d)( \d+ min)? ago)\b`, "DISTANCE"},
		{` +`, " "},
	} {
		text = regexp.MustCompile(differs.pattern).ReplaceAllString(text, differs.same)
	}
	return text
}

// shell is a terminal at the root of a repository whose system runs.
type shell struct {
	*system
	root  string
	named *strings.Replacer // what the pages name otherwise
}

func (p *page) terminal() *shell {
	p.t.Helper()
	if p.shell != nil {
		return p.shell
	}
	s := newSystem(p.t)
	s.worker("")
	root := p.t.TempDir()
	repository, err := filepath.Abs("../..")
	require.NoError(p.t, err)
	require.NoError(p.t, os.Symlink(filepath.Dir(starterProgram), filepath.Join(root, "bin")))
	require.NoError(p.t, os.Symlink(s.dir, filepath.Join(root, ".dev")))
	// The targets have tests of their own; what they build and start is there.
	imitation := fmt.Sprintf("#!/bin/sh\ngrep -q \"^$1:.*## \" %s/Makefile || exit 2\n[ \"$1\" != demo ] || exec %s demo\n", repository, devProgram)
	require.NoError(p.t, os.MkdirAll(filepath.Join(root, "commands"), 0o700))
	require.NoError(p.t, os.WriteFile(filepath.Join(root, "commands", "make"), []byte(imitation), 0o700))
	imitateGo(p.t, filepath.Join(root, "commands"))
	p.shell = &shell{s, root, strings.NewReplacer(shownSimulator, s.simulator, "--manager prod", "--manager demo", "--atlas prod", "--atlas demo",
		"ATLAS_ORG_ID", "6a1b2c3d4e5f6a7b8c9d0e1f", "ORG_ID", "5f1b2c3d4e5f6a7b8c9d0e1f", "18:30", time.Now().Add(2*time.Hour).Format(time.RFC3339))}
	return p.shell
}

// imitateGo writes a command go that runs programs which are already built, as
// `go run ./examples/NAME` does.
func imitateGo(t *testing.T, dir string) {
	t.Helper()
	examples := filepath.Dir(examplePrograms.in(t, "child"))
	imitation := fmt.Sprintf(`#!/bin/sh
[ "$1" = run ] || exit 2
case $2 in
./examples/codec) shift 2; exec %[1]s/codec "$@" ;; # ends by a signal
./examples/*) program=%[1]s/${2##*/} ;;
*) program=%[2]s/${2##*/} ;;
esac
shift 2
"$program" "$@" || { echo "exit status $?" >&2; exit 1; }
`, examples, filepath.Dir(starterProgram))
	require.NoError(t, os.MkdirAll(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), []byte(imitation), 0o700))
}

const shownSimulator = "http://127.0.0.1:8080"

func (s *shell) run(script string) finished {
	s.t.Helper()
	path := strings.Join([]string{filepath.Join(s.root, "commands"), filepath.Join(s.root, "bin"), os.Getenv("PATH")}, string(os.PathListSeparator))
	script = "set -e; cd " + s.root + "\n" + s.named.Replace(script)
	return runProgram(s.t, append(slices.Clone(s.env), "PATH="+path, "USER=ana", "LOGNAME=ana"), "/bin/sh", "-c", script)
}

var (
	startedBy = regexp.MustCompile(`(?m)^(started by +)\S+`)
	progress  = regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d (creating|syncing|removing|undoing|verifying)\b.*\n`)
)

// public returns an output without the names of this machine and without the lines of
// progress, which depend on its speed and which a terminal draws in place.
func (s *shell) public(output string) string {
	output = progress.ReplaceAllString(output, "")
	return startedBy.ReplaceAllString(strings.ReplaceAll(output, s.simulator, shownSimulator), "${1}ana@jump1")
}

var (
	separators  = regexp.MustCompile(`[|;&]+`)
	redirection = regexp.MustCompile(`\s[<>]+\s*\S+`)
)

// usages are in the help of our commands, and of the one of Temporal.
var usages = map[string]string{"worker": "worker --config worker.toml", "starter": "starter COMMAND", "temporal": "temporal COMMAND"}

// requireParsed checks the syntax of a script and the flags of our commands in it.
func requireParsed(t *testing.T, lines []string) {
	t.Helper()
	script := strings.ReplaceAll(strings.Join(lines, "\n"), "\\\n", "")
	syntax := runProgram(t, nil, "/bin/sh", "-n", "-c", script)
	require.Zero(t, syntax.code, "%s\n%s", script, syntax.stderr)
	for line := range strings.Lines(script) {
		for _, command := range separators.Split(redirection.ReplaceAllString(line, ""), -1) {
			words := strings.Fields(command)
			if len(words) == 0 || usages[words[0]] == "" {
				continue
			}
			usage := strings.Replace(usages[words[0]], "COMMAND", words[min(1, len(words)-1)], 1)
			temporal, err := temporalProgram()
			require.NoError(t, err)
			path := "PATH=" + strings.Join([]string{filepath.Dir(starterProgram), filepath.Dir(temporal), os.Getenv("PATH")}, string(os.PathListSeparator))
			done := runProgram(t, []string{path}, "/bin/sh", "-c", strings.TrimSpace(command)+" --help")
			require.Zero(t, done.code, "%s\n%s", command, done.stderr)
			require.Contains(t, done.stdout, usage, command)
		}
	}
}

// requireConfiguration checks that a worker accepts a configuration whose files exist.
func requireConfiguration(t *testing.T, content string) {
	t.Helper()
	dir := t.TempDir()
	content = strings.ReplaceAll(content, "/etc/migrationlink", dir)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "keys"), 0o700))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "tokens"), 0o700))
	done := runProgram(t, nil, starterProgram, "keygen", "--output-file", filepath.Join(dir, "keys", "identity"))
	require.Zero(t, done.code, done.stderr)
	for _, match := range regexp.MustCompile(`"file:([^"]+)"`).FindAllStringSubmatch(content, -1) {
		if filepath.Base(match[1]) != "identity" {
			require.NoError(t, os.WriteFile(match[1], []byte("a-key-of-the-test"), 0o600))
		}
	}
	ca := newAuthority(t)
	client := ca.issue("client")
	content = strings.NewReplacer(dir+"/ca.pem", ca.file, dir+"/client.pem", client.certFile, dir+"/keys/client.key", client.keyFile).Replace(content)
	file := filepath.Join(dir, "worker.toml")
	require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	done = runProgram(t, nil, workerProgram, "--config", file, "--check")
	require.Zero(t, done.code, "%s%s", done.stdout, done.stderr)
}
