package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// cloudKind is what there are many of on the simulated account.
type cloudKind struct {
	name     string
	resource string
	// arguments are those of one object as users write it.
	arguments func(name string) string
}

// manyModels is how many models share the versions.
const manyModels = 5

// The objects that all others refer to, with a place for the number of models; IDs
// are known before anything is applied.
const (
	awsEnvironment = "sagemaker/us-east-1/bench"
	awsVersion     = awsEnvironment + "/models/served/versions/1"
	awsBase        = providerHead + `
resource "mlops_environment" "e" {
  name      = "bench"
  stage     = "dev"
  sagemaker = {}
}
resource "mlops_model" "many" {
  count       = %d
  environment = mlops_environment.e.id
  name        = "many-${count.index}"
}
resource "mlops_model" "served" {
  environment = mlops_environment.e.id
  name        = "served"
}
resource "mlops_model_version" "served" {
  model        = mlops_model.served.id
  artifact_uri = "${path.module}/main.tf" # SageMaker does not look into what it serves
  format       = "custom"
  image        = "` + awsImage + `"
  approval     = "approved"
}
`
	awsImage = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"
)

// cloudKinds lists them.
func cloudKinds() []cloudKind {
	return []cloudKind{
		{"endpoints on SageMaker", "mlops_model_endpoint", func(name string) string {
			return fmt.Sprintf(`
  environment = %q
  name        = %q
  variants = {
    main = {
      version = %q
      traffic = 100
      compute = { cpu = 1, memory = "1Gi" }
      scaling = { min = 1, max = 4, target = { concurrency = 8 } }
    }
  }
  rollout = { strategy = "all_at_once" }
  capture = { sample_percent = 100 }
`, awsEnvironment, name, awsVersion)
		}},
		{fmt.Sprintf("versions of %d models on SageMaker", manyModels), "mlops_model_version", func(name string) string {
			return fmt.Sprintf(`
  model        = "%s/models/many-%d"
  artifact_uri = "${path.module}/%s.bin"
  format       = "custom"
  image        = %q
  approval     = "approved"
  labels       = { team = "risk" }
`, awsEnvironment, name[len(name)-1]%manyModels, name, awsImage)
		}},
	}
}

// measureAWSPlan plans objects on a simulated AWS account in which nothing has
// changed, and as many terraform_data of the same values.
func measureAWSPlan(ctx context.Context, s site) (out []result, err error) {
	path, err := findCLI(ctx)
	if err != nil {
		return nil, err
	}
	a, err := openAccount(ctx, s, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	c, err := a.cli(s, path)
	if err != nil {
		return nil, err
	}
	if err := a.base(ctx, s, c); err != nil {
		return nil, err
	}
	n := 1000
	if s.short {
		n = 100
	}
	for _, kind := range cloudKinds() {
		p := cloudPlan{account: a, cli: c, kind: kind, n: n}
		more, err := p.measure(ctx, s)
		out = append(out, more...)
		if err != nil {
			return out, fmt.Errorf("%s: %w", kind.name, err)
		}
	}
	return out, nil
}

// cli is a CLI whose provider finds the account.
func (a *account) cli(s site, path string) (cli, error) {
	c, err := newCLI(s, path, filepath.Join(s.dir, "no-engine"), filepath.Join(s.dir, "cli"), s.binary)
	c.extra = a.environ()
	return c, err
}

// base applies what all objects refer to.
func (a *account) base(ctx context.Context, s site, c cli) error {
	dir := filepath.Join(s.dir, "base")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), fmt.Appendf(nil, awsBase, manyModels), 0o600); err != nil {
		return err
	}
	return c.apply(ctx, dir)
}

// cloudPlan is the plan of n objects of a kind.
type cloudPlan struct {
	account *account
	cli     cli
	kind    cloudKind
	n       int
}

// measure applies the objects, and plans them and what they are compared with.
func (p cloudPlan) measure(ctx context.Context, s site) ([]result, error) {
	ours, floor := filepath.Join(s.dir, p.kind.resource), filepath.Join(s.dir, p.kind.resource+"-floor")
	if err := p.write(ours, floor); err != nil {
		return nil, err
	}
	if _, err := p.account.since(ctx); err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := p.cli.apply(ctx, ours); err != nil {
		return nil, err
	}
	made, err := p.account.since(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "  %d %s made in %.1f s: %s\n", p.n, p.kind.name, time.Since(begin).Seconds(), made.words())
	if err := p.cli.apply(ctx, floor); err != nil {
		return nil, err
	}
	best, calls, err := p.best(ctx, ours)
	if err != nil {
		return nil, err
	}
	least, _, err := p.best(ctx, floor)
	if err != nil {
		return nil, err
	}
	return p.judged(best, least, calls, made), nil
}

// write writes the configurations, with a file of its own for each object.
func (p cloudPlan) write(ours, floor string) error {
	block := func(format string) func(string) string {
		return func(name string) string { return fmt.Sprintf(format, name, p.kind.arguments(name)) }
	}
	if err := (stack{providerHead, block("\nresource \"" + p.kind.resource + "\" %q {%s}\n")}).write(ours, p.n); err != nil {
		return err
	}
	for i := range p.n {
		name := memberName(i)
		if err := os.WriteFile(filepath.Join(ours, name+".bin"), []byte("bytes of "+name), 0o600); err != nil {
			return err
		}
	}
	return (stack{"", block("\nresource \"terraform_data\" %q {\n  input = {%s  }\n}\n")}).write(floor, p.n)
}

// best plans a directory, and once more unless time is short: of two plans the
// cheaper one counts, for what else the machine does can only add. Of the calls the
// most count.
func (p cloudPlan) best(ctx context.Context, dir string) (timed, ledger, error) {
	repeat := 2
	if p.n < 1000 {
		repeat = 1
	}
	var best timed
	var most ledger
	for range repeat {
		begin := time.Now()
		cost, err := p.cli.plan(ctx, dir)
		took := time.Since(begin)
		if err != nil {
			return best, most, err
		}
		seen, err := p.account.since(ctx)
		if err != nil {
			return best, most, err
		}
		if seen.total() >= most.total() {
			most = seen
		}
		if best.wall == 0 || cost.total.CPU < best.total.CPU {
			best = timed{cost, took}
		}
	}
	return best, most, nil
}

// timed is what a plan cost, and how long it took.
type timed struct {
	spent

	wall time.Duration
}

// judged compares what was measured with the budgets.
func (p cloudPlan) judged(ours, floor timed, calls, made ledger) []result {
	name := fmt.Sprintf("plan of %d %s, ", p.n, p.kind.name)
	own, least := ours.total.CPU.Seconds(), floor.total.CPU.Seconds()
	return []result{
		atMost(name+"calls to AWS", float64(calls.total()), "calls", 30).because("%s", calls.words()),
		atMost(name+"total CPU", own/least, "x "+like, 3).because("%.2f s; %.2f s", own, least),
		atMost(name+"provider CPU", ours.provider.CPU.Seconds(), "s", 5),
		atMost(name+"provider peak memory", float64(ours.provider.Memory)/mega, "MB", 60).because("%.0f MB of it the process's own", float64(ours.provider.Anonymous)/mega),
		figure(name+"wall time", ours.wall.Seconds(), "s").because("%s %.2f s", like, floor.wall.Seconds()),
		figure(fmt.Sprintf("apply of %d %s, calls to AWS for each", p.n, p.kind.name), float64(made.total())/float64(p.n), "calls").because("%s", made.words()),
	}
}

// total is how many calls were made.
func (l ledger) total() int {
	n := 0
	for _, calls := range l.Calls {
		n += calls
	}
	return n
}

// words lists the calls by operation, the most frequent first.
func (l ledger) words() string {
	names := slices.SortedFunc(maps.Keys(l.Calls), func(a, b string) int {
		return cmp.Or(cmp.Compare(l.Calls[b], l.Calls[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%d %s", l.Calls[name], name)
	}
	return strings.Join(names, ", ")
}
