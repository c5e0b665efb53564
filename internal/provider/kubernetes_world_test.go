package provider

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// accCluster is a real control plane with KServe's and Argo's own controllers, which
// the tests of this package share.
var accCluster kubetest.Cluster //nolint:gochecknoglobals // TestMain ends it

// accGateway takes the routes of endpoints in it.
var accGateway kubetest.Gateway //nolint:gochecknoglobals // as the cluster

// accCheckout is one test's way to the cluster, whose environments no other has.
type accCheckout struct {
	*wire

	t        *testing.T
	settings mlops.Settings // of the provider
	suffix   string         // of the names of its environments
	gate     string         // URI of the MLflow server
	stuck    atomic.Bool
}

// newCheckout starts the cluster where no test has.
func newCheckout(t *testing.T) *accCheckout {
	t.Helper()
	accCluster.Start(t, kubetest.KServe, kubetest.Argo)
	access := accCluster.Access()
	c := &accCheckout{wire: newWire(t, strings.TrimPrefix(access.Host, "https://")), t: t, suffix: kubetest.Name(""), gate: accMLflow.URI(t)}
	for _, name := range []string{"acc", "acc-prod", "other", "neighbour"} {
		accCluster.Play(t, name+c.suffix, c.outcome)
	}
	c.settings = mlops.Settings{
		"host": "https://" + c.address(), "token": access.Token, "cluster_ca_certificate": string(access.CA), "cluster": "test",
	}
	return c
}

// kubernetesWorld is a set of namespaces in a real cluster, with a real MLflow server
// as the registry. What containers come to, outcome says.
func kubernetesWorld(t *testing.T) world {
	t.Helper()
	c := newCheckout(t)
	return world{
		backend: "kubernetes", scope: "test/", suffix: c.suffix,
		factories: []mlops.Factory{kubernetes.Factory()},
		provider:  accKubernetesProvider(c.settings),
		folder:    t.TempDir(),
		beyond: map[mlops.Noun]string{
			mlops.NounPipeline:      "", // it has all that steps can ask for
			mlops.NounModelEndpoint: `access = "token"`,
		},
		rewrite:   c.rewrite,
		changed:   `{ pod_security = "restricted" }`,
		elsewhere: `{ storage_uri = "s3://elsewhere" }`,
		remove: func(id mlops.ID) error {
			b, err := kubernetes.Factory().Open(context.Background(), mlops.Options{Settings: c.settings, Owner: "acc", Version: accProviderVersion})
			if err != nil {
				return err
			}
			return removeAny(b, id)
		},
		left: c.left,
		// A cluster that cannot be reached accepts nothing, so that nothing is there.
		freeze: func(config string) stuck {
			return stuck{config: config, repair: plancheck.ResourceActionCreate, begin: func() error { c.hold(); return nil }, end: c.letGo}
		},
		endure: func(config string) stuck {
			return stuck{
				config: config, repair: plancheck.ResourceActionReplace,
				begin: func() error { c.stuck.Store(true); return nil },
				end:   func() { c.stuck.Store(false) },
			}
		},
	}
}

func accKubernetesProvider(s mlops.Settings) string {
	return fmt.Sprintf("provider \"mlops\" {\n  owner = \"acc\"\n  kubernetes = {\n    host = %q\n    token = %q\n    cluster = \"test\"\n    cluster_ca_certificate = <<-CA\n%s\n    CA\n  }\n}\n",
		s["host"], s["token"], s["cluster_ca_certificate"])
}

var (
	accEnvironmentName = regexp.MustCompile(`(resource "mlops_environment" "[a-z]+" \{\s+name\s*= ")([a-z-]+)"`)
	accTargetBlock     = regexp.MustCompile(`( *)BACKEND\s*= \{.*`)
	accEnvironmentID   = regexp.MustCompile(`BACKEND/([a-z-]+)`)
	accRetention       = regexp.MustCompile(`(?m)^ *retention += .*\n`)
)

// rewrite gives environments names of their own, a gateway, storage and a registry.
func (c *accCheckout) rewrite(config string) string {
	config = accEnvironmentName.ReplaceAllString(config, "${1}${2}"+c.suffix+`"`)
	config = accEnvironmentID.ReplaceAllString(config, "BACKEND/${1}"+c.suffix)
	config = accRetention.ReplaceAllString(config, "")
	config = upTimes.ReplaceAllString(config, "")
	// What was replaced is kept as a part of the change.
	config = strings.ReplaceAll(config, `{ strategy = "all_at_once" }`, `{ strategy = "all_at_once", keep_previous = "0s" }`)
	// A monitor's job reads the truth from storage.
	config = strings.ReplaceAll(config, `task = "classification", min`, `task = "classification", ground_truth_uri = "s3://models/truth", min`)
	return accTargetBlock.ReplaceAllStringFunc(config, func(target string) string {
		settings := fmt.Sprintf(" gateway = %q, prometheus_url = \"http://127.0.0.1:1\", pushgateway_url = \"http://127.0.0.1:1\", ", accGateway.Start(c.t, &accCluster))
		if !strings.Contains(target, "storage_uri") {
			settings += `storage_uri = "s3://models", `
		}
		target = strings.Replace(target, "{", "{"+settings, 1)
		if strings.Contains(config, "registry =") {
			return target
		}
		return fmt.Sprintf("  registry = { mlflow = { uri = %q } }\n", c.gate) + target
	})
}

// left names the namespaces that the test's environments had.
func (c *accCheckout) left() ([]string, error) {
	var out []string
	for _, o := range accCluster.List(c.t, "namespaces", "", "") {
		if strings.HasSuffix(o.GetName(), c.suffix) {
			out = append(out, o.GetName())
		}
	}
	return out, nil
}

// outcome does what the steps of these tests do, which are shell commands: in a
// cluster of the tests no container runs.
func (c *accCheckout) outcome(pod *unstructured.Unstructured) kubetest.Outcome {
	step, ok := kubetest.StepOf(pod)
	switch {
	case c.stuck.Load() && !ok:
		return kubetest.Outcome{Waiting: "ContainerCreating"}
	case c.stuck.Load():
		return kubetest.Outcome{Running: true}
	case !ok:
		return kubetest.Outcome{}
	case slices.Contains(step.Container.Command, "false"):
		return kubetest.Outcome{ExitCode: 1}
	}
	return step.Deliver(`{"accuracy": 0.9}`)
}
