package terminal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const org = "5f1b2c3d4e5f6a7b8c9d0e1f"

func TestACauseAndItsRemedyStandOnLinesOfTheirOwn(t *testing.T) {
	t.Parallel()
	refused := Error{
		Message: `failed: manager "demo": POST answered 403 IP_ADDRESS_NOT_ON_ACCESS_LIST`,
		Remedy:  "Add 10.0.0.1 to the access list. Then resume it with 'starter retry --manager demo --org " + org + "'.",
	}
	require.Equal(t, `starter: failed: manager "demo": POST answered 403 IP_ADDRESS_NOT_ON_ACCESS_LIST
Add 10.0.0.1 to the access list. Then resume it with 'starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f'.
`, refused.Text("starter", 0), "a pipe gets whole sentences")
	require.Equal(t, `starter: failed: manager "demo": POST answered 403
  IP_ADDRESS_NOT_ON_ACCESS_LIST
Add 10.0.0.1 to the access list. Then resume it with
  'starter retry --manager demo --org 5f1b2c3d4e5f6a7b8c9d0e1f'.
`, refused.Text("starter", 72))
	require.Equal(t, "worker: no configuration\n", Error{Message: "no configuration"}.Text("worker", 80))
}

func TestEachProblemOfARequestHasALine(t *testing.T) {
	t.Parallel()
	invalid := Error{Message: "invalid request", Problems: []string{"--org: not an id of 24 hexadecimal digits", "--manager: missing"}, Remedy: "Run 'starter link --help'."}
	require.Equal(t, "starter: invalid request:\n  --org: not an id of 24\n    hexadecimal digits\n  --manager: missing\nRun 'starter link --help'.\n", invalid.Text("starter", 30))
	require.Equal(t, "invalid request: --org: not an id of 24 hexadecimal digits; --manager: missing. Run 'starter link --help'.", invalid.Error())
}

func TestACommandIsNotBroken(t *testing.T) {
	t.Parallel()
	for _, command := range []string{
		"starter retry --manager demo --org " + org,
		"starter retry --manager demo --org " + org + " --token-stdin",
		"starter cancel --manager demo --org " + org + " --reason 'not needed any more'",
		"starter status --watch --manager demo --org " + org,
		"starter --help",
	} {
		require.Contains(t, Wrap("When it is fixed: "+command+".", 20), command+".")
		require.Contains(t, Wrap("When it is fixed: '"+command+"', and then wait.", 20), "'"+command+"',")
	}
}
