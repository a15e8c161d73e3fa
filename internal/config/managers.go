package config

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/migrationlink/migrationlink"
	"github.com/migrationlink/migrationlink/opsmanager"
	"github.com/migrationlink/migrationlink/redact"
)

const (
	minRequestTimeout = time.Second
	// maxRequestTimeout keeps an attempt of an activity, which may take several
	// requests, below its own limit in the workflow.
	maxRequestTimeout = time.Minute
	// minRate is a call per 100 seconds: below it a link would time out before
	// its turn. maxRate is what Temporal takes for no limit.
	minRate, maxRate = 0.01, 100_000
)

func readManagers(s *section) []Manager {
	names := slices.Sorted(maps.Keys(s.values))
	if len(names) == 0 {
		s.report("", "has no manager; add a section [managers.NAME] with base_url, public_key and private_key")
	}
	managers := make([]Manager, 0, len(names))
	for _, name := range names {
		if !migrationlink.ValidManagerName(name) {
			s.report(fmt.Sprintf("%q", name), "is no name of a manager; use 1 to 63 lower-case letters, digits and inner hyphens")
		}
		managers = append(managers, readManager(s.table(name), name))
	}
	return managers
}

func readManager(s *section, name string) Manager {
	defer s.end()
	m := Manager{
		Name:              name,
		BaseURL:           s.text("base_url", ""),
		BasePath:          s.text("base_path", opsmanager.DefaultBasePath),
		PublicKey:         s.secret("public_key"),
		PrivateKey:        s.secret("private_key"),
		CAFile:            s.text("ca_file", ""),
		AllowInsecureHTTP: s.flag("allow_insecure_http"),
		UnlinkedIs404:     s.flag("unlinked_is_404"),
		RequestTimeout:    s.duration("request_timeout", opsmanager.DefaultTimeout, minRequestTimeout, maxRequestTimeout),
		RequestsPerSecond: s.number("requests_per_second", 0, minRate, maxRate),
	}
	checkManager(s, m)
	return m
}

// checkManager tries each setting in an otherwise good configuration, because
// the client says all that is wrong, but not with which setting.
func checkManager(s *section, m Manager) {
	good := redact.NewSecret("good")
	trials := map[string]Manager{
		"base_url":   {BaseURL: m.BaseURL, AllowInsecureHTTP: m.AllowInsecureHTTP, PublicKey: good, PrivateKey: good},
		"base_path":  {BaseURL: "https://good", BasePath: m.BasePath, PublicKey: good, PrivateKey: good},
		"public_key": {BaseURL: "https://good", PublicKey: m.PublicKey, PrivateKey: good},
		"ca_file":    {BaseURL: "https://good", CAFile: m.CAFile, PublicKey: good, PrivateKey: good},
	}
	for _, setting := range slices.Sorted(maps.Keys(trials)) {
		if s.bad(setting) {
			continue
		}
		if client, err := trials[setting].Client(); err != nil {
			s.report(setting, err.Error())
		} else {
			client.Close()
		}
	}
}
