package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/backend/kubernetes/kubetest"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlflow/mlflowtest"
)

// kubeEndpoint are the arguments of an endpoint as users write it.
func kubeEndpoint(name string) string {
	return fmt.Sprintf(`
  environment = %q
  name        = %q
  variants = {
    main = {
      version = %q
      traffic = 100
      compute = { cpu = 1, memory = "1Gi" }
      scaling = { min = 1, max = 4 }
    }
  }
  rollout = { strategy = "all_at_once" }
`, kubeEnvironment, name, kubeVersion)
}

// kubeEndpoints is a stack of endpoints, whose names begin with another letter where
// the sample is not to be among them.
func kubeEndpoints(letter string) stack {
	return stack{kubeHead, func(name string) string {
		name = letter + name[1:]
		return fmt.Sprintf("\nresource \"mlops_model_endpoint\" %q {%s}\n", name, kubeEndpoint(name))
	}}
}

// kubeLikes is a stack of terraform_data that hold what the endpoints hold.
func kubeLikes() stack {
	return stack{"", func(name string) string {
		return fmt.Sprintf("\nresource \"terraform_data\" %q {\n  input = {%s  }\n}\n", name, kubeEndpoint(name))
	}}
}

// measureKubernetes applies endpoints in a real cluster with KServe's own manager, and
// plans many in another without controllers, which has copies of what one of them came
// to.
func measureKubernetes(ctx context.Context, s site) (out []result, err error) {
	path, err := findCLI(ctx)
	if err != nil {
		return nil, err
	}
	registry := &mlflowtest.Server{}
	defer func() { err = errors.Join(err, registry.Close()) }()
	uri, err := registry.Open() //nolint:contextcheck // a server lasts until it is closed
	if err != nil {
		return nil, err
	}
	// Both environments are told of one address, for what is made in one is copied to the other.
	mlflow, err := openTally(ctx, uri)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, mlflow.close()) }()
	out, left, err := kubeApplied(ctx, s, path, mlflow.uri)
	if err != nil {
		return out, err
	}
	more, err := kubePlanned(ctx, s, path, mlflow, left)
	return append(out, more...), err
}

// kubeLeft is what an apply left, to make copies of.
type kubeLeft struct {
	name    string // of the gateway, with its namespace
	gateway kubeSample
	objects kubeSample // of the sample
	state   string     // directory of its state
}

// kubeApplied measures what applying endpoints costs in a cluster that does all that is
// to be done about them.
func kubeApplied(ctx context.Context, s site, path, uri string) (out []result, left kubeLeft, err error) {
	k, took, err := openKube(ctx, s, path, "apply", kubetest.KServe)
	if err != nil {
		return nil, left, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	out = []result{
		figure("Kubernetes control plane, start", took[0].Seconds(), "s").because("etcd and API server, with all definitions"),
		figure("Kubernetes cluster, start", took[1].Seconds(), "s").because("with controllers, nodes and KServe's manager"),
	}
	if k.gateway, err = (&kubetest.Gateway{}).Open(ctx, k.cluster); err != nil {
		return out, left, err
	}
	if err := k.base(ctx, filepath.Join(s.dir, "apply-base"), uri); err != nil {
		return out, left, err
	}
	left.name, left.state = k.gateway, filepath.Join(s.dir, "sample")
	if err := kubeEndpoints("e").write(left.state, 1); err != nil {
		return out, left, err
	}
	if err := k.cli.apply(ctx, left.state); err != nil {
		return out, left, err
	}
	if left.objects, err = k.sample(ctx, sampleName); err != nil {
		return out, left, err
	}
	if left.gateway, err = k.gatewayOf(ctx); err != nil {
		return out, left, err
	}
	more, err := k.applied(ctx, s, left.objects)
	return append(out, more...), left, err
}

// applied applies endpoints, and then has the controllers do the same for somebody who
// only writes the objects and waits.
func (k *kube) applied(ctx context.Context, s site, sample kubeSample) ([]result, error) {
	n := 100
	if s.short {
		n = 20
	}
	dir := filepath.Join(s.dir, "apply")
	if err := kubeEndpoints("f").write(dir, n); err != nil {
		return nil, err
	}
	if _, err := k.since(); err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := k.cli.apply(ctx, dir); err != nil {
		return nil, err
	}
	took := time.Since(begin)
	made, err := k.since()
	if err != nil {
		return nil, err
	}
	begin = time.Now()
	if err := k.write(ctx, sample, n); err != nil {
		return nil, err
	}
	least := time.Since(begin)
	name := fmt.Sprintf("apply of %d endpoints on Kubernetes, ", n)
	return []result{
		figure(name+"calls for each", float64(made.total())/float64(n), "calls").because("%s", made.words()),
		figure(name+"wall time", took.Seconds(), "s"),
		figure(name+"wall time", took.Seconds()/least.Seconds(), "x a writer that waits by watch").because("%.1f s", least.Seconds()),
	}, nil
}

// kubePlanned measures plans of many endpoints, and of many versions, in which nothing has
// changed.
func kubePlanned(ctx context.Context, s site, path string, mlflow *tally, left kubeLeft) (out []result, err error) {
	n := 1000
	if s.short {
		n = 100
	}
	k, _, err := openKube(ctx, s, path, "plan")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, k.close()) }()
	k.gateway = left.name
	if err := left.gateway.make(ctx, k); err != nil {
		return nil, err
	}
	if err := k.base(ctx, filepath.Join(s.dir, "plan-base"), mlflow.uri); err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := k.seed(ctx, left.objects, n); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "  %d copies in %.1f s\n", n, time.Since(begin).Seconds())
	ours, floor := filepath.Join(s.dir, "ours"), filepath.Join(s.dir, "floor")
	if err := errors.Join(kubeEndpoints("e").write(ours, n), copyState(left.state, ours, n), kubeLikes().write(floor, n)); err != nil {
		return nil, err
	}
	if err := k.cli.apply(ctx, floor); err != nil {
		return nil, err
	}
	if _, err := k.since(); err != nil {
		return nil, err
	}
	p := repeatedPlan{cli: k.cli, since: func(context.Context) (ledger, error) { return k.since() }, n: n}
	best, calls, err := p.best(ctx, ours)
	if err != nil {
		return nil, err
	}
	least, _, err := p.best(ctx, floor)
	if err != nil {
		return nil, err
	}
	out = p.judged("endpoints on Kubernetes", "the API server", best, least, calls)
	mlflow.take() // was for the endpoints
	more, err := k.versionsPlanned(ctx, s, n, mlflow)
	return append(out, more...), err
}

// kubeName is a sample's name with another letter.
func kubeName(letter string, i int) string { return letter + strings.TrimPrefix(memberName(i), "e") }
