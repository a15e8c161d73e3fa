package config

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/internal/adminapi"
	"github.com/migrationlink/migrationlink/internal/textfile"
)

// privateFile is a file that must never be sent to a manager as a link-token.
type privateFile struct{ setting, path string }

// Holds reports whether a file is in the directory of link-tokens or below it, so that a
// request can name it as its link-token.
func (t Tokens) Holds(path string) bool {
	directory, err := os.Stat(t.Directory)
	if t.Directory == "" || err != nil {
		return false
	}
	actual, err := filepath.EvalSymlinks(path)
	if err != nil { // the file may be created later
		actual = absolute(path)
	}
	for {
		above := filepath.Dir(actual)
		if info, err := os.Stat(above); err == nil && os.SameFile(info, directory) {
			return true
		}
		if above == actual {
			return false
		}
		actual = above
	}
}

// checkTokensHoldNoKeys rejects a directory of link-tokens that contains a key or this
// file: a request could have it sent to a manager.
func checkTokensHoldNoKeys(file *section, c Config) {
	for _, private := range file.all.private {
		if c.Tokens.Holds(private.path) {
			file.report("tokens.directory", fmt.Sprintf("holds %s, %s: any request could send it to a manager as a link-token; keep link-tokens in a directory of their own",
				private.path, private.setting))
		}
	}
}

// isTokenVariable reports whether a reference names a variable that any request may use
// as its link-token.
func isTokenVariable(reference string) bool {
	return strings.HasPrefix(reference, "env:"+migrationlink.EnvTokenPrefix)
}

// checkBaseURL reports problems that the client does not check.
func checkBaseURL(s *section, text string) {
	const key = "base_url"
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || s.bad(key) {
		return // the client reports it
	}
	host := base.Hostname()
	switch {
	case host == "":
		s.report(key, "has no host before the port; name the host")
	case strings.HasSuffix(base.Host, ":"):
		s.report(key, "has no port after the colon; leave the colon out, or add the port")
	case !adminapi.ValidPort(base.Port()):
		s.report(key, "has a port that is not a number from 1 to 65535")
	case !possibleHost(host):
		s.report(key, "has a host that is neither a name nor an IP address; IPv6 addresses need brackets, as in https://[2001:db8::1]:8443")
	case base.Scheme == "http" && !adminapi.IsLoopback(host):
		s.warn("allow_insecure_http", "keys and link-tokens for "+host+" can be read and changed by the network on the way; use https")
	}
}

// possibleHost reports whether host can be a host. It accepts names of other scripts:
// the client encodes them.
func possibleHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	const longest = 253
	if len(host) > longest || strings.Trim(host, "0123456789.") == "" {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
		}) {
			return false
		}
	}
	return true
}

// checkBasePath reports a path that no API can have.
func checkBasePath(s *section, path string) {
	const key = "base_path"
	if s.bad(key) || !strings.HasPrefix(path, "/") {
		return // the client says more about it
	}
	odd := strings.ContainsFunc(path, func(r rune) bool {
		return r <= ' ' || r >= unicode.MaxASCII || strings.ContainsRune(`\%{}<>"'|^`+"`", r)
	})
	for segment := range strings.SplitSeq(strings.TrimSuffix(path[1:], "/"), "/") {
		odd = odd || path != "/" && segment == "" || segment == "." || segment == ".."
	}
	if odd {
		s.report(key, `is not the path of an API; use letters, digits, hyphens, dots and single slashes, like "/api/public/v1.0"`)
	}
}

// checkAddress checks the address for metrics and profiles.
func checkAddress(s *section, h HTTP) {
	host, port, err := net.SplitHostPort(h.Address)
	if err != nil || port == "" {
		s.report("address", "is not an address; use host:port, as in \"127.0.0.1:9464\", or \":9464\" for all of the machine's")
		return
	}
	if _, err := net.DefaultResolver.LookupPort(context.Background(), "tcp", port); err != nil {
		s.report("address", "has a port that is not a number from 1 to 65535")
		return
	}
	if host != "" && !possibleHost(host) {
		s.report("address", "has a host that is neither a name nor an IP address")
		return
	}
	if h.Pprof && !adminapi.IsLoopback(host) {
		s.warn("pprof", "the profiles of the process are served beyond this machine, to whoever reaches "+h.Address+"; serve them at 127.0.0.1 only")
	}
}

// checkEnvironment checks variables that the Go runtime and libraries use.
func checkEnvironment(file *section) {
	if err := adminapi.CheckProxyEnvironment(); err != nil {
		for problem := range strings.Lines(err.Error()) {
			name, why, _ := strings.Cut(strings.TrimSuffix(problem, "\n"), ": ")
			file.report(name, why)
		}
	}
	checkNoProxy(file)
	checkTimeZone(file)
}

// checkNoProxy rejects entries that net/http silently ignores.
func checkNoProxy(file *section) {
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		value := os.Getenv(name)
		if value == "" {
			continue
		}
		for i, entry := range strings.Split(value, ",") {
			entry = strings.Trim(entry, " \t")
			if !possibleException(entry) {
				file.report(name, fmt.Sprintf("entry %d is not a host, a domain, an IP address or a CIDR block; separate entries by commas, as in localhost,.example.com,10.0.0.0/8", i+1))
			}
		}
		return // net/http ignores the other
	}
}

func possibleException(entry string) bool {
	if entry == "" || entry == "*" {
		return true
	}
	if strings.Contains(entry, "/") {
		_, err := netip.ParsePrefix(entry)
		return err == nil
	}
	if host, port, err := net.SplitHostPort(entry); err == nil {
		if port == "" || !adminapi.ValidPort(port) {
			return false
		}
		entry = host
	}
	entry = strings.Trim(entry, "[]")
	return possibleHost(strings.TrimPrefix(strings.TrimPrefix(entry, "*"), "."))
}

// checkTimeZone warns of a TZ for which Go silently uses UTC.
func checkTimeZone(file *section) {
	zone := strings.TrimPrefix(os.Getenv("TZ"), ":")
	if zone == "" {
		return
	}
	var err error
	if filepath.IsAbs(zone) {
		err = checkZoneFile(zone)
	} else {
		_, err = time.LoadLocation(zone)
	}
	if err != nil {
		file.warn("TZ", `is not a time zone that this machine knows, so times are in UTC; set it to a name such as "Europe/Berlin", and install tzdata`)
	}
}

func checkZoneFile(path string) error {
	file, _, err := textfile.Open(os.OpenFile, path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	content, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err == nil {
		_, err = time.LoadLocationFromTZData("", content)
	}
	return err
}

// warnOfWriters warns of files, and of folders above them, that every user of the
// machine may change: they could redirect keys and link-tokens.
func warnOfWriters(file *section, c Config) {
	if runtime.GOOS == "windows" || file.reader.AllowReadable { // Windows has no such modes
		return
	}
	paths := file.all.files
	if c.Tokens.Directory != "" {
		paths = append(slices.Clip(paths), c.Tokens.Directory)
	}
	warned := map[string]bool{}
	for _, path := range paths {
		actual, err := filepath.EvalSymlinks(path)
		for ; err == nil && !warned[actual]; actual = filepath.Dir(actual) {
			warned[actual] = true
			if info, statErr := os.Stat(actual); statErr == nil && everybodyWrites(info) {
				file.warn(actual, fmt.Sprintf("mode %04o lets every user of the machine change it, and so read keys or send link-tokens elsewhere; chmod o-w it", info.Mode().Perm()))
			}
		}
	}
}

// everybodyWrites reports whether every user may change a file. It ignores sticky
// folders, in which only owners replace their files.
func everybodyWrites(info fs.FileInfo) bool {
	return info.Mode().Perm()&0o002 != 0 && (!info.IsDir() || info.Mode()&fs.ModeSticky == 0)
}
