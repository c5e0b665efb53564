package engine

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/client"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const usage = `The embedded engine of the mlops provider. The provider starts it when a local
environment first needs it; these commands are for looking after it.

Usage: terraform-provider-mlops engine <command> [flags]

  run      run in the foreground until interrupted, or until "engine stop"
  status   say whether an engine runs, where, and with what
  stop     stop the engine with all its processes, and wait until it has;
           what it keeps stays, and is taken up when it runs again
  check    make a monitor's check now, and show the report

Each command explains its flags with -help.
`

// Exit statuses.
const (
	exitOK         = 0
	exitFailed     = 1
	exitUsage      = 2
	exitNotRunning = 3 // of status
)

// Command runs "engine" with its arguments and returns the exit status: 0 if
// all went well, 1 if not, 2 if the arguments are wrong, and 3 from status if no
// engine runs.
func Command(ctx context.Context, args []string, version string) int {
	c := command{out: os.Stdout, err: os.Stderr, version: version}
	return c.run(ctx, args)
}

// command is one call of the command line.
type command struct {
	out, err io.Writer
	version  string
}

func (c command) run(ctx context.Context, args []string) int {
	name := ""
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "run":
		return c.serve(ctx, args)
	case "status":
		return c.status(ctx, args)
	case "stop":
		return c.stop(ctx, args)
	case "check":
		return c.check(ctx, args)
	case "help", "-h", "-help", "--help":
		_, _ = io.WriteString(c.out, usage)
		return exitOK
	}
	_, _ = io.WriteString(c.err, usage)
	if name != "" {
		_, _ = fmt.Fprintf(c.err, "\nThere is no command %q.%s\n", name, mlops.DidYouMean(name, []string{"run", "status", "stop", "check"}))
	}
	return exitUsage
}

// flags makes a command's flags, with the directory that all have.
func (c command) flags(name, summary string) (*flag.FlagSet, *string) {
	set := flag.NewFlagSet("engine "+name, flag.ContinueOnError)
	set.SetOutput(c.err)
	set.Usage = func() {
		_, _ = fmt.Fprintf(c.err, "Usage: terraform-provider-mlops engine %s [flags]\n\n%s\n\n", name, summary)
		set.PrintDefaults()
	}
	directory := set.String("directory", os.Getenv(client.DirectoryVariable), "the engine's `directory`; default $"+client.DirectoryVariable+", else ~/.mlops")
	return set, directory
}

// parse reads a command's arguments and completes the directory.
func (c command) parse(set *flag.FlagSet, args []string, directory *string) (status int, ok bool) {
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK, false
	case err != nil:
		return exitUsage, false // the flag package has said why
	case set.NArg() > 0:
		_, _ = fmt.Fprintf(c.err, "%s takes no arguments, but got %q\n", set.Name(), set.Args())
		return exitUsage, false
	}
	if *directory == "" {
		*directory, err = client.DefaultDirectory()
	}
	if err == nil {
		*directory, err = filepath.Abs(*directory)
	}
	if err != nil {
		return c.fail(err), false
	}
	return exitOK, true
}

func (c command) fail(err error) int {
	_, _ = fmt.Fprintf(c.err, "Error: %s\n", api.ProblemOf(err).Detail)
	return exitFailed
}

// gcPercent lets the heap of a serving engine grow before it is collected. The
// heap is small, and collections are what requests wait for: with Go's own 100
// the gateway added 2.0 ms at the 99th percentile where it adds 1.2 ms.
const gcPercent = 400

// serve is "engine run".
func (c command) serve(ctx context.Context, args []string) int {
	set, directory := c.flags("run", "Run an engine in the foreground.")
	port := set.Int("port", 0, "the `port` of inference, on loopback; 0 keeps the one that it had, or picks a free one; default $"+client.PortVariable)
	python := set.String("python", os.Getenv(client.PythonVariable), "the Python `interpreter` for steps and model servers; default $"+client.PythonVariable+", else python3 from the PATH")
	idle := set.Duration("idle-exit", 0, "exit when there was no environment for so long; 0 is never")
	asJSON := set.Bool("json", false, "report readiness, or the problem, as one line of JSON on standard output")
	if err := c.portFromEnvironment(set); err != nil {
		return c.fail(err)
	}
	if status, ok := c.parse(set, args, directory); !ok {
		return status
	}
	debug.SetGCPercent(gcPercent)
	signal.Ignore(syscall.SIGPIPE) // whoever started it may be gone before it is ready
	ctx, cancel := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	say := c.announce
	if *asJSON {
		say = c.announceJSON
	}
	err := Run(ctx, Config{
		Directory: *directory, Port: *port, Python: *python, Version: c.version, IdleExit: *idle,
		Ready: func(e api.Engine) { say(api.Report{Ready: &e}) },
	})
	if err == nil {
		return exitOK
	}
	p := api.ProblemOf(err)
	say(api.Report{Problem: &p})
	return exitFailed
}

func (c command) portFromEnvironment(set *flag.FlagSet) error {
	text := os.Getenv(client.PortVariable)
	if text == "" {
		return nil
	}
	if err := set.Set("port", text); err != nil {
		return fmt.Errorf("%s is %q, which is no port", client.PortVariable, text)
	}
	return nil
}

func (c command) announce(r api.Report) {
	if r.Problem != nil {
		_, _ = fmt.Fprintf(c.err, "Error: %s\n", r.Problem.Detail)
		return
	}
	_, _ = fmt.Fprintf(c.out, "The engine in %s is ready and serves at %s. Interrupt to stop it.\n", r.Ready.Directory, r.Ready.Inference)
}

func (c command) announceJSON(r api.Report) {
	if err := json.NewEncoder(c.out).Encode(r); err != nil { // whoever wanted to know is gone
		_, _ = fmt.Fprintln(c.err, err)
	}
}

// status is "engine status".
func (c command) status(ctx context.Context, args []string) int {
	set, directory := c.flags("status", "Say whether an engine runs. The exit status is 3 if none does.")
	asJSON := set.Bool("json", false, "answer in JSON; null if no engine runs")
	if status, ok := c.parse(set, args, directory); !ok {
		return status
	}
	e, err := client.Find(ctx, client.Options{Directory: *directory, Version: c.version})
	if err != nil {
		return c.fail(err)
	}
	if *asJSON {
		err = json.NewEncoder(c.out).Encode(e)
	} else {
		err = describe(c.out, *directory, e)
	}
	switch {
	case err != nil:
		return c.fail(err)
	case e == nil:
		return exitNotRunning
	}
	return exitOK
}

// describe writes a status for people.
func describe(w io.Writer, directory string, e *api.Engine) error {
	if e == nil {
		_, err := fmt.Fprintf(w, "No engine runs in %s.\n", directory)
		return err
	}
	_, err := fmt.Fprintf(w, "The engine in %s runs.\n\n", directory)
	lines := [][2]string{
		{"process", strconv.Itoa(e.PID)},
		{"version", e.Version},
		{"since", e.StartedAt.Local().Format(time.RFC1123)},
		{"inference", e.Inference},
		{"metrics", e.Inference + "/metrics"},
		{"log", layout.Layout{Root: directory}.Log()},
	}
	for _, noun := range mlops.Nouns() {
		lines = append(lines, [2]string{string(noun) + "s", strconv.Itoa(e.Objects[noun])})
	}
	for _, l := range lines {
		_, errLine := fmt.Fprintf(w, "  %-16s  %s\n", l[0], l[1])
		err = errors.Join(err, errLine)
	}
	return err
}

// stop is "engine stop".
func (c command) stop(ctx context.Context, args []string) int {
	set, directory := c.flags("stop", "Stop the engine with all its processes, and wait until it has.")
	if status, ok := c.parse(set, args, directory); !ok {
		return status
	}
	stopped, err := client.Stop(ctx, client.Options{Directory: *directory, Version: c.version})
	if err == nil && !stopped {
		err = Clear(ctx, Config{Directory: *directory, Version: c.version})
	}
	if err != nil {
		return c.fail(err)
	}
	said := "No engine runs in %s.\n"
	if stopped {
		said = "The engine in %s has stopped.\n"
	}
	_, _ = fmt.Fprintf(c.out, said, *directory)
	return exitOK
}
