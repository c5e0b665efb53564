package mlflowtest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// interpret runs one program for each line of its input. Importing MLflow takes
// seconds, and is done once.
const interpret = `
import json, sys, traceback
answers, sys.stdout = sys.stdout, sys.stderr
import mlflow
for line in sys.stdin:
    asked = json.loads(line)
    names = {"mlflow": mlflow, "args": asked["args"], "out": {}}
    try:
        exec(asked["program"], names)
        answer = json.dumps({"out": names["out"]})
    except Exception:
        answer = json.dumps({"error": traceback.format_exc()})
    print(answer, file=answers, flush=True)
`

// interpreter is a Python that runs programs, one after the other.
type interpreter struct {
	mu      sync.Mutex
	cmd     *exec.Cmd
	input   io.WriteCloser
	answers *bufio.Reader
}

// run starts the interpreter if need be, and has it run a program.
func (p *interpreter) run(command func() *exec.Cmd, program string, args []string) (map[string]any, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		if err := p.start(command()); err != nil {
			return nil, err
		}
	}
	if args == nil {
		args = []string{}
	}
	if err := json.NewEncoder(p.input).Encode(map[string]any{"program": program, "args": args}); err != nil {
		return nil, err
	}
	line, err := p.answers.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the interpreter does not answer: %w", err)
	}
	var answer struct {
		Out   map[string]any `json:"out"`
		Error string         `json:"error"`
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		err = errors.New(answer.Error)
	}
	return answer.Out, err
}

func (p *interpreter) start(cmd *exec.Cmd) error {
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd, p.input, p.answers = cmd, input, bufio.NewReader(output)
	return nil
}

// close ends the interpreter by its input.
func (p *interpreter) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	return errors.Join(p.input.Close(), p.cmd.Wait())
}
