package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const page = "../../../docs/how-to/run-on-kubernetes.md"

// shown returns the blocks of the page in one language. Each has the marker that
// dev/e2e/docs_test.go requires.
func shown(t *testing.T, language string) (blocks []string) {
	t.Helper()
	block := regexp.MustCompile("(?ms)^( *)<!-- example: kubernetes -->\n *```" + language + "\n(.*?)\n *```$")
	for _, found := range block.FindAllStringSubmatch(readFile(t, page), -1) {
		blocks = append(blocks, strings.TrimPrefix(strings.ReplaceAll("\n"+found[2], "\n"+found[1], "\n"), "\n"))
	}
	require.NotEmpty(t, blocks)
	return blocks
}

// reader is where somebody types the commands of the page: a checkout, without a cluster.
type reader struct {
	root, starter string
	names         map[string]bool // of the objects of the overlay, as kind/name
	namespace     string
	image         string
}

// Each command of the page is of one of these forms. What a cluster would do is compared
// with the manifests.
var typed = map[string]func(*testing.T, *reader, []string){
	`docker (?:build -t|push) (\S+)(?: \.)?`: func(t *testing.T, r *reader, said []string) {
		t.Helper()
		require.Equal(t, said[1], r.image, "the example runs the image that is pushed")
	},
	`cp -r deploy/kubernetes/(\S+) deploy/kubernetes/(\S+)`: func(t *testing.T, r *reader, said []string) {
		t.Helper()
		require.NoError(t, os.CopyFS(filepath.Join(r.root, said[2]), os.DirFS(filepath.Join(r.root, said[1]))))
	},
	`kubectl apply -k deploy/kubernetes/(\S+)`: func(t *testing.T, r *reader, said []string) {
		t.Helper()
		r.apply(t, said[1])
	},
	`kubectl -n (\S+) (?:rollout status|exec(?: -i)?) (\S+)(?: -- (starter .*))?`: func(t *testing.T, r *reader, said []string) {
		t.Helper()
		require.Equal(t, r.namespace, said[1])
		require.True(t, r.names[said[2]], "%s is not applied", said[2])
		if said[3] != "" {
			command, _, _ := strings.Cut(said[3], " <")
			run(t, r.starter, append(strings.Fields(command)[1:], "--help")...)
		}
	},
	`kubectl -n (\S+) create secret generic (\S+) --from-file=(\S+)=FILE`: func(t *testing.T, _ *reader, said []string) {
		t.Helper()
		job := starterJob(t)
		require.Equal(t, job.Namespace, said[1])
		for _, variable := range job.Spec.Template.Spec.Containers[0].Env {
			if variable.ValueFrom != nil {
				require.Equal(t, variable.ValueFrom.SecretKeyRef.Name, said[2])
				require.Equal(t, variable.ValueFrom.SecretKeyRef.Key, said[3])
			}
		}
	},
	`kubectl create namespace (\S+)`: func(t *testing.T, r *reader, said []string) {
		t.Helper()
		require.Equal(t, starterJob(t).Namespace, said[1])
		require.NotEqual(t, r.namespace, said[1], "whoever may create pods beside the workers can mount their keys")
	},
	`kubectl create -f deploy/kubernetes/(starter.yaml)`: func(*testing.T, *reader, []string) {}, // schema_test.go
}

func TestTheCommandsOfThePageFitTheManifests(t *testing.T) {
	t.Parallel()
	r := &reader{root: copyOf(t, ".."), starter: filepath.Join(t.TempDir(), "starter")}
	run(t, "go", "-C", "../../..", "build", "-o", r.starter, "./starter")
	r.apply(t, "overlays/example")
	for _, block := range shown(t, "sh") {
		for command := range strings.Lines(block) {
			r.follow(t, strings.TrimSpace(command))
		}
	}
}

func (r *reader) follow(t *testing.T, command string) {
	t.Helper()
	for form, compare := range typed {
		if said := regexp.MustCompile("^" + form + "$").FindStringSubmatch(command); said != nil {
			compare(t, r, said)
			return
		}
	}
	require.Fail(t, "no test for this command: add its form to typed", command)
}

func (r *reader) apply(t *testing.T, directory string) {
	t.Helper()
	r.names = map[string]bool{}
	for _, object := range buildIn(t, r.root, directory).Resources() {
		r.names[strings.ToLower(object.GetKind())+"/"+object.GetName()] = true
		if object.GetKind() == "Deployment" {
			r.namespace = object.GetNamespace()
			r.image = workers(t, "overlays/example").Spec.Template.Spec.Containers[0].Image
		}
	}
	require.True(t, r.names["namespace/"+r.namespace], "the namespace is made, too")
}

// ConfigMaps, Secrets and the like that the text names.
func TestThePageNamesObjectsThatTheManifestsHave(t *testing.T) {
	t.Parallel()
	manifests := readFile(t, "../starter.yaml")
	for _, directory := range kustomizations {
		built, err := build(t, directory).AsYaml()
		require.NoError(t, err)
		manifests += string(built)
	}
	names := regexp.MustCompile("`(migrationlink-[a-z-]+)`").FindAllStringSubmatch(readFile(t, page), -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		require.Regexp(t, `(?m)[nN]ame: `+name[1]+`$`, manifests)
	}
}
