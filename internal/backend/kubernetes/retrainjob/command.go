package retrainjob

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const usage = `Starts the pipeline of a monitor that is violated, if it may be started now.

Usage: terraform-provider-mlops retrain --lease NAME --pipeline ID --run FILE [flags]

`

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Command runs "retrain" with its arguments, as the account of the pod that this is, and
// returns the exit status.
func Command(ctx context.Context, args []string) int {
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	return Run(ctx, args, rest.InClusterConfig, os.Stdout, os.Stderr)
}

// Run is Command as whom access says.
func Run(ctx context.Context, args []string, access func() (*rest.Config, error), stdout, stderr io.Writer) int {
	j, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	words, err := j.carryOut(ctx, access)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "Error: %s\n", err)
		return exitFailed
	}
	_, _ = fmt.Fprintln(stdout, words)
	return exitOK
}

// carryOut starts the run, if that may be, in the cluster that access is to.
func (j job) carryOut(ctx context.Context, access func() (*rest.Config, error)) (words string, err error) {
	if j.run, err = readRun(j.file); err != nil {
		return "", fmt.Errorf("read the run of %s: %w", j.file, err)
	}
	config, err := access()
	if err != nil {
		return "", fmt.Errorf("the way to the API server: %w", err)
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return "", fmt.Errorf("the way to the API server: %w", err)
	}
	return j.start(ctx, newCluster(client, j.run.GetNamespace()))
}

// parse reads the arguments. What is wrong with them it says itself.
func parse(args []string, stderr io.Writer) (job, error) {
	j := job{now: time.Now().UTC()}
	set := flag.NewFlagSet("retrain", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		_, _ = io.WriteString(stderr, usage)
		set.PrintDefaults()
	}
	set.StringVar(&j.lease, "lease", "", "`name` of the Lease that keeps what was started")
	set.StringVar((*string)(&j.pipeline), "pipeline", "", "the pipeline's `ID`")
	set.StringVar(&j.file, "run", "", "`file` of the run's Workflow, as JSON with a generateName")
	cooldown := set.Duration("cooldown", mlops.DefaultCooldown, "from one start to the next")
	most := set.Int64("max-per-month", mlops.DefaultPerMonth, "starts in a calendar month, UTC")
	set.Func("now", "`time` of the violation, RFC 3339; default the time of the call", func(s string) (err error) {
		j.now, err = time.Parse(time.RFC3339, s)
		return err
	})
	if err := set.Parse(args); err != nil {
		return j, err
	}
	j.on = mlops.OnViolation{Pipeline: j.pipeline, Cooldown: mlops.Duration(*cooldown), MaxPerMonth: most}
	if err := j.check(set.Args()); err != nil {
		_, _ = fmt.Fprintf(stderr, "Error: %s\n", err)
		return j, err
	}
	return j, nil
}

// check refuses what no start could be made of.
func (j job) check(rest []string) error {
	_, err := j.pipeline.ParseAs(mlops.NounPipeline)
	switch {
	case len(rest) > 0:
		return fmt.Errorf("retrain takes no arguments, but got %q", rest)
	case j.lease == "":
		return errors.New("--lease is needed: the Lease that keeps what was started")
	case j.file == "":
		return errors.New("--run is needed: the file of the run's Workflow")
	case err != nil:
		return fmt.Errorf("--pipeline is no ID of a pipeline: %w", err)
	case j.on.Cooldown <= 0 || *j.on.MaxPerMonth < 0:
		return errors.New("--cooldown is more than 0, and --max-per-month 0 or more")
	}
	return nil
}
