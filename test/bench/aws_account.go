package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// account is a simulated AWS account in a process of its own, so that what it uses
// is not counted as the provider's.
type account struct {
	url   string
	cmd   *exec.Cmd
	stdin io.Closer // the account ends when this does
}

// ledger is what an account says of itself.
type ledger struct {
	Calls      map[string]int `json:"calls"`      // by "service.Operation", since it was last asked
	Busy       time.Duration  `json:"busy"`       // while something was on its way, since then
	Phases     int            `json:"phases"`     // how many times something began to be on its way
	Violations []string       `json:"violations"` // of AWS's models, ever
}

// openAccount starts an account in which whatever takes time takes so much.
func openAccount(ctx context.Context, s site, phase time.Duration) (*account, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), s.self, roleAccount, phase.String())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	setApart(cmd)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the simulated account: %w", err)
	}
	a := &account{cmd: cmd, stdin: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	a.url = strings.TrimSpace(line)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the simulated account: %w", err), a.close())
	}
	return a, nil
}

// close ends the account.
func (a *account) close() error { return errors.Join(a.stdin.Close(), a.cmd.Wait()) }

// environ is what leads the SDK there, and nowhere else.
func (a *account) environ() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + a.url, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=bench", "AWS_SECRET_ACCESS_KEY=bench",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
}

// since returns what happened since it was last asked. Requests that AWS's models
// do not allow are an error: what is measured would not work.
func (a *account) since(ctx context.Context) (ledger, error) {
	var l ledger
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+ledgerPath, nil)
	if err != nil {
		return l, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return l, err
	}
	defer func() { _ = answer.Body.Close() }()
	if err := json.NewDecoder(answer.Body).Decode(&l); err != nil {
		return l, fmt.Errorf("ask the simulated account: %w", err)
	}
	if len(l.Violations) > 0 {
		return l, fmt.Errorf("AWS would refuse this: %s", strings.Join(l.Violations, "; "))
	}
	return l, nil
}
