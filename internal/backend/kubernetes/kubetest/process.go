package kubetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// watch kills the programs of a test binary that has ended without doing so, and
// removes their directory. It learns of programs by lines, "+ PID" and "- PID", and
// of the end by the end of its input, which no signal can prevent.
const watch = `
running=" "
while read -r sign pid; do
  case "$sign" in
    +) running="$running$pid " ;;
    -) running="${running%% $pid *} ${running#* $pid }" ;;
  esac
done
[ -z "${running##* [0-9]*}" ] && kill -KILL $running
rm -rf "$1"
`

// watchdog outlives the test binary by as long as it takes to end what that started.
type watchdog struct {
	cmd   *exec.Cmd
	input io.WriteCloser
}

func startWatchdog(ctx context.Context, directory string) (*watchdog, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", watch, "kubetest-watchdog", directory)
	// Not in the test's group: an interrupt from the keyboard is not for it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &watchdog{cmd: cmd, input: input}, cmd.Start()
}

func (w *watchdog) add(pid int) error {
	_, err := fmt.Fprintf(w.input, "+ %d\n", pid)
	return err
}

func (w *watchdog) remove(pid int) error {
	_, err := fmt.Fprintf(w.input, "- %d\n", pid)
	return err
}

func (w *watchdog) close() error { return errors.Join(w.input.Close(), w.cmd.Wait()) }

// process is one program that runs.
type process struct {
	cmd   *exec.Cmd
	log   string
	ended chan struct{} // closed when it has
	watch *watchdog
}

// command is a program with its arguments and what it has besides the environment.
type command struct {
	path string
	args []string
	env  []string
}

// run starts a program of the cluster, under a name that is also its log's. The
// context is the cluster's, not that of the test which asked first.
func (c *Cluster) run(ctx context.Context, name string, program command) error {
	path := filepath.Join(c.directory, name+".log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program.path, program.args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.directory, log, log
	cmd.Env = append(environment(), program.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, log.Close())
	}
	p := &process{cmd: cmd, log: path, ended: make(chan struct{}), watch: c.watchdog}
	c.processes[name] = p
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		_ = log.Close()
		close(p.ended)
	}()
	return c.watchdog.add(cmd.Process.Pid)
}

// environment is the test's, without what would lead a program to another cluster,
// and with a collector that trades memory for time, up to a limit: the API server, which
// holds definitions and caches most of all, collected for a quarter of its time.
func environment() []string {
	out := []string{"GOGC=300", "GOMEMLIMIT=2GiB"}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "KUBE") && !strings.HasPrefix(v, "GOGC=") && !strings.HasPrefix(v, "GOMEMLIMIT=") {
			out = append(out, v)
		}
	}
	return out
}

// kill ends a program at once; it may be paused, or have ended already.
func (p *process) kill() error {
	err := p.signal(syscall.SIGKILL)
	<-p.ended
	return errors.Join(err, p.watch.remove(p.cmd.Process.Pid))
}

// signal sends a signal to a program, unless that has ended.
func (p *process) signal(s syscall.Signal) error {
	if err := p.cmd.Process.Signal(s); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// failure says how a program ended and what it said last, or nothing while it runs.
func (p *process) failure() error {
	select {
	case <-p.ended:
		said, _ := os.ReadFile(p.log)
		return fmt.Errorf("%s: %v\n%s", filepath.Base(p.log), p.cmd.ProcessState, last(said, 4096))
	default:
		return nil
	}
}

func last(text []byte, size int) []byte { return text[max(0, len(text)-size):] }
