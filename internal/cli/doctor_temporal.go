package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/contrib/envconfig"

	"github.com/migrationlink/migrationlink/internal/config"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
)

// checkFile checks the worker's configuration where this machine has it.
func (d *doctor) checkFile() check {
	const name, here = "worker file", "worker.toml"
	variable, _ := d.env.LookupEnv("MIGRATIONLINK_CONFIG")
	path := cmp.Or(d.given.config, variable)
	if path == "" {
		if _, err := os.Stat(here); err != nil {
			return skipped(name, "there is no "+here+" here; name one with --config")
		}
		path = here
	}
	loaded, err := config.Load(path)
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		return bad(name, fmt.Sprintf("%s has %s: %s", path, count(len(wrong.Problems), "problem"), strings.Join(wrong.Problems, "; ")),
			"Correct it. Variables are looked up here; on the worker's machine use 'worker --config "+path+" --check'.")
	}
	if err != nil {
		return failed(name, err)
	}
	names := make([]string, len(loaded.Managers))
	for i, m := range loaded.Managers {
		names[i] = m.Name
	}
	return good(name, "%s, with %s", path, strings.Join(names, ", "))
}

// checkTemporal tells wrong settings from a Temporal that does not answer.
func (d *doctor) checkTemporal(ctx context.Context) {
	const settings, name = "settings", "Temporal"
	s, err := d.connect(ctx)
	if wrong, ok := errors.AsType[*temporalconn.Error](err); ok && wrong.Kind == temporalconn.Misconfigured {
		d.add(d.stops(failed(settings, err), "the settings of the Temporal connection cannot be used"))
		d.add(skipped(name, d.obstacle))
		return
	}
	d.add(good(settings, "%s", d.settingsSource()))
	if err != nil {
		d.code = exitCode(err)
		d.add(d.stops(failed(name, err), "Temporal does not answer"))
		return
	}
	d.server = s
	d.add(d.stops(s.checkVersion(ctx), "Temporal does not answer"))
}

func (s *server) checkVersion(ctx context.Context) check {
	const name = "Temporal"
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	info, err := s.WorkflowService().GetSystemInfo(call, &workflowservice.GetSystemInfoRequest{})
	if err != nil {
		return failed(name, s.explain(ctx, err))
	}
	return good(name, "%s, server %s", s.options.HostPort, cmp.Or(info.GetServerVersion(), "of unknown version"))
}

func (d *doctor) settingsSource() string {
	file, _ := d.env.LookupEnv("TEMPORAL_CONFIG_FILE")
	file = cmp.Or(file, envconfig.DefaultConfigFilePath())
	variable, _ := d.env.LookupEnv("TEMPORAL_PROFILE")
	profile := cmp.Or(d.profile, variable, envconfig.DefaultConfigFileProfile)
	loaded, err := envconfig.LoadClientConfig(envconfig.LoadClientConfigOptions{ConfigFilePath: file})
	if err != nil || loaded.Profiles[profile] == nil {
		return "flags, TEMPORAL_* variables and defaults; no profile"
	}
	return fmt.Sprintf("profile %q of %s, under flags and TEMPORAL_* variables", profile, file)
}

func (d *doctor) checkNamespace(ctx context.Context) check {
	const name = "namespace"
	call, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	described, err := d.server.WorkflowService().DescribeNamespace(call,
		&workflowservice.DescribeNamespaceRequest{Namespace: d.server.options.Namespace})
	if err != nil {
		return d.stops(failed(name, d.server.explain(ctx, err)), "the namespace cannot be used")
	}
	kept := described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
	return good(name, "%q, keeps what has ended for %s", d.server.options.Namespace, length(kept))
}
