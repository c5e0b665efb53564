package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/process"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// logLines is how much of the engine's log an error carries.
const logLines = 15

// start starts the engine and waits for its one line about how that went.
func (o Options) start(ctx context.Context) (api.Engine, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), o.Executable, o.arguments()...)
	cmd.Dir, cmd.Env = o.Directory, environment(os.Environ())
	detach(cmd)
	log, err := os.OpenFile(o.layout().Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil { // without a log (a full disk) the engine says better what is wrong
		defer func() { _ = log.Close() }() // the engine has its own copy
		cmd.Stderr = log
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return api.Engine{}, err
	}
	if err := cmd.Start(); err != nil {
		return api.Engine{}, mlops.NewError(mlops.Failed, fmt.Errorf("the engine could not be started: %w", err))
	}
	return o.started(ctx, cmd, out)
}

// outcome is what came of a start.
type outcome struct {
	engine api.Engine
	err    error
}

// started waits for the engine's report. An engine that says nothing for too
// long is ended; one whose caller gives up goes on.
func (o Options) started(ctx context.Context, cmd *exec.Cmd, out io.ReadCloser) (api.Engine, error) {
	told := make(chan outcome, 1)
	go func() {
		e, err := o.report(out)
		told <- outcome{e, err}
		_ = out.Close()
		_ = cmd.Wait() // reaped, if it ends while this program is there
	}()
	limit, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	select {
	case t := <-told:
		return t.engine, t.err
	case <-limit.Done():
	}
	if ctx.Err() != nil {
		return api.Engine{}, ctx.Err()
	}
	_ = cmd.Process.Kill() // it ended just now, if it fails
	return api.Engine{}, mlops.NewError(mlops.Timeout, fmt.Errorf("the engine did not start within %s; the end of its log %s:\n%s", startLimit, o.layout().Log(), process.Tail(o.layout().Log(), logLines)))
}

// report reads the engine's one line.
func (o Options) report(out io.Reader) (api.Engine, error) {
	line, err := bufio.NewReader(out).ReadBytes('\n')
	var r api.Report
	if err == nil {
		err = json.Unmarshal(line, &r)
	}
	switch {
	case err != nil:
		return api.Engine{}, mlops.NewError(mlops.Failed, fmt.Errorf("the engine ended while it was starting; the end of its log %s:\n%s", o.layout().Log(), process.Tail(o.layout().Log(), logLines)))
	case r.Problem != nil:
		return api.Engine{}, r.Problem.Err()
	case r.Ready == nil:
		return api.Engine{}, errors.New("the engine reported neither that it is ready nor a problem")
	}
	return *r.Ready, nil
}

// environment is what the engine inherits: all but what Terraform tells its
// plugins.
func environment(all []string) []string {
	kept := make([]string, 0, len(all))
	for _, v := range all {
		if !strings.HasPrefix(v, "TF_") && !strings.HasPrefix(v, "PLUGIN_") {
			kept = append(kept, v)
		}
	}
	return kept
}
