package driftjob

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

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const usage = `Makes one check of a monitor from files, as its job on a cluster does.

Usage: terraform-provider-mlops drift --monitor FILE --captures DIR [flags]

The status is 0 when the check was made, whatever it found, 1 when it could not
be, and 2 for wrong flags.

`

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Command runs "drift" with its arguments and returns the exit status.
func Command(ctx context.Context, args []string) int {
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	return run(ctx, args, os.Stderr)
}

func run(ctx context.Context, args []string, stderr io.Writer) int {
	j, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	if err := j.run(ctx); err != nil {
		_, _ = fmt.Fprintf(stderr, "Error: %s\n", mlops.Message(err))
		return exitFailed
	}
	return exitOK
}

// job is one call of the command.
type job struct {
	monitor  string // file of the spec
	id       mlops.ID
	baseline string
	captures string
	truth    string
	now      time.Time

	report, verdict, violated string // files that are written; empty is not at all
	push                      string // URL of a Pushgateway
}

// parse reads the arguments. What is wrong with them it says itself.
func parse(args []string, stderr io.Writer) (job, error) {
	j := job{now: time.Now().UTC()}
	set := flag.NewFlagSet("drift", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		_, _ = io.WriteString(stderr, usage)
		set.PrintDefaults()
	}
	set.StringVar(&j.monitor, "monitor", "", "`file` of the monitor's spec, as JSON")
	set.StringVar((*string)(&j.id), "id", "", "the monitor's `ID`; default that of the spec")
	set.StringVar(&j.baseline, "baseline", "", "the baseline: a file, a folder with one, or a .tgz; a `path`")
	set.StringVar(&j.captures, "captures", "", "`folder` of what KServe's logger wrote")
	set.StringVar(&j.truth, "truth", "", "file or folder of ground truth, as JSON lines; a `path`")
	set.Func("now", "`time` at which the window ends, RFC 3339; default the time of the call", func(s string) (err error) {
		j.now, err = time.Parse(time.RFC3339, s)
		return err
	})
	set.StringVar(&j.report, "report", "", "`file` that receives the report, as JSON")
	set.StringVar(&j.verdict, "verdict", "", "`file` that receives ok, violated, no_data or broken")
	set.StringVar(&j.violated, "violated", "", "`file` that receives the violated checks that start a pipeline")
	set.StringVar(&j.push, "push", "", "`URL` of a Prometheus Pushgateway that receives the figures")
	if err := set.Parse(args); err != nil {
		return j, err
	}
	if err := j.check(set.Args()); err != nil {
		_, _ = fmt.Fprintf(stderr, "Error: %s\n", err)
		return j, err
	}
	return j, nil
}

// check refuses what no check could be made of.
func (j job) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("drift takes no arguments, but got %q", rest)
	case j.monitor == "":
		return errors.New("--monitor is needed: the file of the monitor's spec")
	case j.captures == "":
		return errors.New("--captures is needed: the folder of what was captured")
	}
	if j.push == "" {
		return nil
	}
	_, err := newGateway(j.push)
	return err
}
