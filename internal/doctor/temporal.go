package doctor

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
	"github.com/migrationlink/migrationlink/internal/console"
	"github.com/migrationlink/migrationlink/internal/dataconv"
	"github.com/migrationlink/migrationlink/internal/links"
	"github.com/migrationlink/migrationlink/internal/temporalconn"
	"github.com/migrationlink/migrationlink/internal/words"
)

// checkFile checks the worker's configuration where this machine has it.
func (d *doctor) checkFile() Check {
	const name, here = "worker file", "worker.toml"
	variable, _ := d.Env.LookupEnv("MIGRATIONLINK_CONFIG")
	path := cmp.Or(d.given.Config, variable)
	if path == "" {
		if _, err := os.Stat(here); err != nil {
			return skipped(name, "there is no "+here+" here; name one with --config")
		}
		path = here
	}
	loaded, err := config.Load(path)
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		c := bad(name, fmt.Sprintf("%s has %s", path, words.Count(len(wrong.Problems), "problem")),
			"Correct it. This check uses the variables of this machine; on the worker's machine, run 'worker --config "+path+" --check'.")
		c.Problems = wrong.Problems
		return c
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

// checkTemporal distinguishes wrong settings from a Temporal that does not answer.
func (d *doctor) checkTemporal(ctx context.Context) {
	const settings, name = "settings", "Temporal"
	s, err := d.given.Connect(ctx)
	if wrong, ok := errors.AsType[*temporalconn.Error](err); ok && wrong.Kind == temporalconn.Misconfigured {
		d.add(d.obstruct(failed(settings, err), "the settings of the Temporal connection cannot be used"))
		d.add(skipped(name, d.obstacle))
		return
	}
	d.add(good(settings, "%s", d.settingsSource()))
	if err != nil {
		d.code = console.FailureOf(err).Code
		d.add(d.obstruct(failed(name, err), "Temporal does not answer"))
		return
	}
	d.client = s
	d.add(d.obstruct(checkVersion(ctx, s), "Temporal does not answer"))
	if s.Options.CodecEndpoint() != "" {
		d.addIfPossible(codecCheck, func() Check { return d.obstruct(checkCodec(s), "the payload codec cannot be used") })
	}
}

const codecCheck = "payload codec"

// checkCodec sends a text through the remote codec and back.
func checkCodec(s *links.Client) Check {
	const sent = "doctor"
	payload, err := s.Stored.Data.ToPayload(sent)
	if err != nil {
		return failed(codecCheck, err)
	}
	var back string
	if err := s.Stored.Data.FromPayload(payload, &back); err != nil {
		return failed(codecCheck, err)
	}
	endpoint, encoding := s.Options.CodecEndpoint(), dataconv.Encoding(payload)
	if back != sent {
		return bad(codecCheck, fmt.Sprintf("%s does not decode what it encoded", endpoint), "Correct the codec server, or TEMPORAL_CODEC_ENDPOINT or codec.endpoint of the profile.")
	}
	return good(codecCheck, "%s, encoding %s", endpoint, words.OneLine(encoding))
}

func checkVersion(ctx context.Context, s *links.Client) Check {
	const name = "Temporal"
	call, cancel := context.WithTimeout(ctx, s.CallTimeout)
	defer cancel()
	info, err := s.WorkflowService().GetSystemInfo(call, &workflowservice.GetSystemInfoRequest{})
	if err != nil {
		return failed(name, s.Explain(ctx, err))
	}
	return good(name, "%s, server %s", s.Options.HostPort, cmp.Or(info.GetServerVersion(), "of unknown version"))
}

func (d *doctor) settingsSource() string {
	variable, _ := d.Env.LookupEnv("TEMPORAL_PROFILE")
	profile := cmp.Or(d.given.Profile, variable, envconfig.DefaultConfigFileProfile)
	file, loaded, err := temporalconn.Profiles(console.Variables{Env: d.Env})
	if err != nil || loaded.Profiles[profile] == nil {
		return "flags, TEMPORAL_* variables and defaults; no profile"
	}
	return fmt.Sprintf("profile %q of %s; flags and TEMPORAL_* variables override it", profile, file)
}

func (d *doctor) checkNamespace(ctx context.Context) Check {
	const name = "namespace"
	call, cancel := context.WithTimeout(ctx, d.client.CallTimeout)
	defer cancel()
	described, err := d.client.WorkflowService().DescribeNamespace(call,
		&workflowservice.DescribeNamespaceRequest{Namespace: d.client.Options.Namespace})
	if err != nil {
		return d.obstruct(failed(name, d.client.Explain(ctx, err)), "the namespace cannot be used")
	}
	d.updates = described.GetNamespaceInfo().GetCapabilities().GetSyncUpdate()
	kept := described.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration()
	return good(name, "%q, keeps ended workflows for %s", d.client.Options.Namespace, words.Duration(kept))
}
