package config_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/migrationlink/migrationlink/internal/config"
)

// form is a text of docs/reference/worker-toml.md about the values of a setting, with
// values that it includes and excludes, as TOML.
type form struct {
	text *regexp.Regexp
	try  func(files settingFiles, match []string) (included, excluded []string)
}

// Each text is one of these, so that no text is without a test.
var forms = []form{
	{regexp.MustCompile(`^(above )?(\d+ (?:s|min|h))(?: to|, at most) (\d+ (?:s|min|h))$`), tryDurations},
	{regexp.MustCompile(`^(\d+) to (\d+)$`), tryWholeNumbers},
	{regexp.MustCompile(`^(\d+\.\d+) to (\d+)$`), tryNumbers},
	{regexp.MustCompile("^`true` or `false`$"), tryEither([]string{"true", "false"}, `"true"`, "1")},
	{regexp.MustCompile("^(`[a-z-]+`(?:, | or )?)+$"), tryWords},
	{regexp.MustCompile("^list of `env:VARIABLE` or `file:/absolute/path`$"), func(files settingFiles, _ []string) ([]string, []string) {
		return []string{`["env:ONE_IDENTITY"]`, list("file:" + files["identity"])},
			[]string{`"env:ONE_IDENTITY"`, "[]", `["ONE_IDENTITY"]`, `["env:NOT_SET"]`, `["file:identity"]`}
	}},
	{regexp.MustCompile("^`env:VARIABLE` or `file:/absolute/path`$"), func(files settingFiles, _ []string) ([]string, []string) {
		return []string{`"env:DEMO_PUBLIC_KEY"`, strconv.Quote("file:" + files["key"])},
			[]string{`"DEMO_PUBLIC_KEY"`, `"env:NOT_SET"`, `"file:key"`, strconv.Quote("file:" + files["key"] + ".none"), `"env:LINK_TOKEN_DEMO"`}
	}},
	{regexp.MustCompile(`^list of at most (\d+) versions, lowest first$`), tryVersions},
	{regexp.MustCompile("^a version of MongoDB$"), tryEither([]string{`"6.0"`, `"7.0.13"`}, `"six"`, `""`, "6.0")},
	{regexp.MustCompile("^`host:port`$"), tryEither([]string{`"127.0.0.1:9464"`, `":9464"`}, `"127.0.0.1"`, `"127.0.0.1:65536"`, "9464")},
	{regexp.MustCompile("^`https://host:port`$"), tryEither([]string{`"https://example.com:8443"`, `"https://example.com"`}, `"example.com:8443"`, `"https://"`, `"http://example.com"`, `"https://example.com:8443/path"`)},
	{regexp.MustCompile("^a path$"), tryEither([]string{`"/api"`}, `"api"`, `"/../api"`)},
	{regexp.MustCompile("^absolute path of a directory$"), func(files settingFiles, _ []string) ([]string, []string) {
		return []string{strconv.Quote(files["tokens"])}, []string{`"tokens"`, strconv.Quote(files["tokens"] + "/none"), strconv.Quote(files["key"])}
	}},
	{regexp.MustCompile("^path of a PEM file$"), func(files settingFiles, _ []string) ([]string, []string) {
		return nil, []string{strconv.Quote(files["key"]), strconv.Quote(files["key"] + ".none")} // the included ones: with
	}},
}

func TestEachValueThatThePageAllowsIsAcceptedAndTheNextOneIsNot(t *testing.T) {
	setKeys(t)
	files := newSettingFiles(t)
	for _, key := range config.Keys() {
		t.Run(key.Section+"."+key.Name, func(t *testing.T) {
			included, excluded := files.try(t, key)
			if value, ok := strings.CutPrefix(key.Default, "`"); ok {
				included = append(included, literal(strings.TrimSuffix(value, "`"), included[0]))
			}
			for _, value := range included {
				_, err := load(t, files.with(key, value))
				require.NoError(t, err, value)
			}
			for _, value := range excluded {
				_, err := load(t, files.with(key, value))
				path := strings.Replace(key.Section, "NAME", "demo", 1) + "." + strings.TrimSuffix(key.Name, "key_file") // the two of a pair are read together
				require.Contains(t, strings.Join(requireProblems(t, err), "\n"), path, value)
			}
		})
	}
}

func TestTheSizeOfTheFileAndTheNamesHaveTheBoundsOfThePage(t *testing.T) {
	setKeys(t)
	page := read(t, "../../docs/reference/worker-toml.md")
	require.Contains(t, page, "The file may be at most 64 KiB long.")
	require.Contains(t, page, "Names of managers and Atlas connections are 1 to 63 lower-case letters, digits and inner hyphens.")
	named := func(name string) string { return strings.Replace(smallest, "managers.demo", "managers."+name, 1) }
	for _, content := range []string{
		smallest + strings.Repeat("#", 64<<10-len(smallest)), named("a"), named("0"), named("a-0"), named(strings.Repeat("a", 63)),
	} {
		_, err := load(t, content)
		require.NoError(t, err)
	}
	for _, content := range []string{
		smallest + strings.Repeat("#", 64<<10-len(smallest)+1), named(`""`), named("-a"), named("a-"), named("A"), named("a_b"), named(strings.Repeat("a", 64)),
	} {
		_, err := load(t, content)
		require.Error(t, err)
	}
}

// literal returns a default as TOML, of the kind of another value.
func literal(value, like string) string {
	if strings.HasPrefix(like, `"`) {
		return strconv.Quote(value)
	}
	return value
}

func tryDurations(_ settingFiles, match []string) (included, excluded []string) {
	least, most := duration(match[2]), duration(match[3])
	within, below := least, least-time.Millisecond
	if match[1] != "" {
		within, below = least+time.Millisecond, least
	}
	return []string{quotedDuration(within), quotedDuration(most)}, []string{quotedDuration(below), quotedDuration(most + time.Millisecond), "30"}
}

// duration reads "10 min".
func duration(text string) time.Duration {
	value, _ := time.ParseDuration(strings.NewReplacer(" ", "", "min", "m").Replace(text))
	return value
}

func quotedDuration(value time.Duration) string { return strconv.Quote(value.String()) }

func tryWholeNumbers(_ settingFiles, match []string) (included, excluded []string) {
	least, _ := strconv.Atoi(match[1])
	most, _ := strconv.Atoi(match[2])
	return match[1:], []string{strconv.Itoa(least - 1), strconv.Itoa(most + 1), strconv.Quote(match[1]), match[1] + ".5"}
}

func tryNumbers(_ settingFiles, match []string) (included, excluded []string) {
	least, _ := strconv.ParseFloat(match[1], 64)
	return match[1:], []string{fmt.Sprint(least * 0.99), match[2] + ".01", strconv.Quote(match[2]), "nan", "0"}
}

func tryWords(_ settingFiles, match []string) (included, excluded []string) {
	for _, word := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(match[0], -1) {
		included = append(included, strconv.Quote(word[1]))
	}
	return included, []string{`"another"`, `""`, "1", strings.ToUpper(included[0])}
}

func tryVersions(_ settingFiles, match []string) (included, excluded []string) {
	most, _ := strconv.Atoi(match[1])
	return []string{"[" + series(1) + "]", "[" + series(most) + "]"}, []string{"[" + series(most+1) + "]", "[]", `["7.0", "6.0"]`, `["6.0", "6.0.1"]`, `"6.0"`}
}

func tryEither(included []string, excluded ...string) func(settingFiles, []string) ([]string, []string) {
	return func(settingFiles, []string) ([]string, []string) { return included, excluded }
}

// list returns a list of texts as TOML.
func list(texts ...string) string {
	for i, text := range texts {
		texts[i] = strconv.Quote(text)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// settingFiles are the files that settings name.
type settingFiles map[string]string

func newSettingFiles(t *testing.T) settingFiles {
	t.Helper()
	certificate, key := certify(t, time.Now().Add(time.Hour))
	identity, _ := generate(t)
	t.Setenv("ONE_IDENTITY", identity)
	t.Setenv("LINK_TOKEN_DEMO", "a link-token")
	files := settingFiles{
		"client_cert_file": certificate, "ca_file": certificate, "client_key_file": key,
		"key": write(t, "key", canary), "identity": write(t, "identity", identity), "tokens": filepath.Join(t.TempDir(), "tokens"),
	}
	require.NoError(t, os.Mkdir(files["tokens"], 0o700))
	return files
}

func (f settingFiles) try(t *testing.T, key config.Key) (included, excluded []string) {
	t.Helper()
	for _, form := range forms {
		match := form.text.FindStringSubmatch(key.Accepts)
		if match == nil {
			continue
		}
		included, excluded = form.try(f, match)
		if file, ok := f[key.Name]; ok {
			included = append(included, strconv.Quote(file))
		}
		require.NotEmpty(t, included)
		return included, excluded
	}
	require.Fail(t, "no test for this text: add it to forms", key.Accepts)
	return nil, nil
}

// with returns a configuration with one setting and those that it needs beside it.
func (f settingFiles) with(key config.Key, value string) string {
	keys := map[string]string{"base_url": `"https://example.com"`, "request_timeout": `"1s"`, "public_key": `"env:DEMO_PUBLIC_KEY"`, "private_key": `"env:DEMO_PRIVATE_KEY"`}
	sections := map[string]map[string]string{
		"worker": {"stop_timeout": `"10m"`}, "tokens": {"identities": list("file:" + f["identity"])},
		"managers.NAME": keys, "atlas.NAME": maps.Clone(keys),
	}
	set := sections[key.Section]
	if set == nil {
		set = map[string]string{}
		sections[key.Section] = set
	}
	if strings.HasPrefix(key.Name, "client_") && strings.HasSuffix(key.Name, "_file") {
		set["client_cert_file"], set["client_key_file"] = strconv.Quote(f["client_cert_file"]), strconv.Quote(f["client_key_file"])
	}
	if key.Name == "client_id" || key.Name == "client_secret" {
		set["client_id"], set["client_secret"] = keys["public_key"], keys["private_key"]
		delete(set, "public_key")
		delete(set, "private_key")
	}
	set[key.Name] = value
	var content strings.Builder
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		fmt.Fprintf(&content, "[%s]\n", strings.Replace(section, "NAME", "demo", 1))
		for name, value := range sections[section] {
			fmt.Fprintf(&content, "%s = %s\n", name, value)
		}
	}
	return content.String()
}
