package process

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

const (
	pollEvery    = 100 * time.Millisecond // how often a process that is not our child is looked at
	measureEvery = 500 * time.Millisecond // how often the memory of a limited group is summed
	tokenName    = "MLOPS_PROCESS_TOKEN"  //nolint:gosec // a name, and no secret behind it
	// bornWithin is how far two readings of one process's creation time may lie
	// apart: it is reckoned from the machine's boot time, which a clock that is
	// set moves.
	bornWithin = 2000 // milliseconds
)

// wrapper runs its arguments and leaves their exit status in the file named by
// its first argument, whole or not at all. Asked to end, as its whole group is,
// it waits for the program to do so: were it to go first, nothing would be left
// to wait for, and the program would be killed in the middle of its own end.
const wrapper = `trap : TERM; exit_file=$1; shift; "$@"; code=$?; echo "$code" >"$exit_file.part" && mv "$exit_file.part" "$exit_file"; exit "$code"`

// Spec says what to run.
type Spec struct {
	Args        []string // program and arguments
	Dir         string   // working directory
	Env         []string // whole environment, "NAME=value"
	Log         string   // file that standard output and error are appended to
	State       string   // directory for the records of this process; one process each
	MemoryLimit int64    // bytes of resident memory of the whole group; 0 is no limit
}

// Exit is how a process ended.
type Exit struct {
	Code   int    // exit status; -1 if the process was killed
	Reason string // why, where the status alone does not say it
}

// OK reports whether the process succeeded.
func (e Exit) OK() bool { return e.Code == 0 && e.Reason == "" }

// String is one human line.
func (e Exit) String() string {
	switch {
	case e.Reason != "":
		return e.Reason
	case e.Code < 0:
		return "was killed"
	case e.Code > 128:
		return fmt.Sprintf("was ended by signal %d", e.Code-128)
	}
	return fmt.Sprintf("exited with status %d", e.Code)
}

// Handle is a running or ended process.
type Handle struct {
	record record
	state  string
	done   chan struct{}

	mu     sync.Mutex
	exit   Exit
	reason string // set by whoever ends the process on purpose
}

// record is what is kept on disk, enough to find the process again.
type record struct {
	PID     int    `json:"pid"`     // of the wrapper, which leads the group
	Created int64  `json:"created"` // its creation time in Unix milliseconds: PIDs are reused
	Token   string `json:"token"`   // in the environment of all its children
	Memory  int64  `json:"memory"`  // limit, bytes
}

// Start starts a process. Its State directory is made if need be, and must not
// hold the records of another process that still runs.
func Start(spec Spec) (*Handle, error) {
	if err := os.MkdirAll(spec.State, 0o700); err != nil {
		return nil, err
	}
	if err := os.Remove(exitFile(spec.State)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	log, err := os.OpenFile(spec.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the child has its own copy
	token := rand.Text()
	// No context: the process outlives the request, and the engine.
	cmd := exec.CommandContext(context.Background(), "/bin/sh", append([]string{"-c", wrapper, "sh", exitFile(spec.State)}, spec.Args...)...)
	cmd.Dir, cmd.Env = spec.Dir, append(append([]string{}, spec.Env...), tokenName+"="+token)
	cmd.Stdout, cmd.Stderr = log, log
	if err := ownGroup(cmd); err != nil {
		return nil, err
	}
	// First without a PID: should the engine die before it has one to write, the
	// token is enough to find the process.
	h := newHandle(spec.State, record{Token: token, Memory: spec.MemoryLimit})
	if err := h.save(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	h.record.PID = cmd.Process.Pid
	h.record.Created = created(h.record.PID)
	if err := h.save(); err != nil {
		killGroup(h.record.PID)
		_ = cmd.Wait()
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // the status is in the exit file, or the process was killed
		h.finish()
	}()
	go h.watchMemory()
	return h, nil
}

// Recover finds a process that an earlier engine started, by its State
// directory. One that ended in the meantime is returned with its exit known.
// If there is no trace of one, the error's code is NotFound.
func Recover(state string) (*Handle, error) {
	b, err := os.ReadFile(recordFile(state))
	if err != nil {
		return nil, mlops.NewError(mlops.NotFound, fmt.Errorf("no process was started in %s: %w", state, err))
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, mlops.NewError(mlops.NotFound, fmt.Errorf("no readable record in %s: %w", state, err))
	}
	h := newHandle(state, r)
	if r.PID == 0 && !h.hasExit() && !h.find() && !h.hasExit() { // it may end while it is looked for
		return nil, mlops.NewError(mlops.NotFound, fmt.Errorf("no process was started in %s: its engine died first", state))
	}
	if !h.alive() {
		h.conclude()
		return h, nil
	}
	go h.poll()
	go h.watchMemory()
	return h, nil
}

func newHandle(state string, r record) *Handle {
	return &Handle{record: r, state: state, done: make(chan struct{})}
}

func (h *Handle) save() error {
	b, err := json.Marshal(h.record)
	if err != nil {
		return err
	}
	part := recordFile(h.state) + ".part"
	if err := os.WriteFile(part, b, 0o600); err != nil {
		return err
	}
	return os.Rename(part, recordFile(h.state))
}

// PID is the process group's id.
func (h *Handle) PID() int { return h.record.PID }

// Done is closed when the process has ended.
func (h *Handle) Done() <-chan struct{} { return h.done }

// Exit tells how the process ended; it is valid once Done is closed.
func (h *Handle) Exit() Exit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.exit
}

// Stop ends the process and all its children, wherever they moved: it asks,
// waits for at most grace (less if ctx ends), then kills. It returns when they
// are gone. Stopping an ended process still ends children that it left.
func (h *Handle) Stop(ctx context.Context, grace time.Duration) {
	select {
	case <-h.done: // its PID may be another's by now: only the token is safe
	default:
		h.ask(ctx, grace)
	}
	select {
	case <-h.done:
	default:
		killGroup(h.record.PID)
		<-h.done
	}
	h.sweep()
}

func (h *Handle) ask(ctx context.Context, grace time.Duration) {
	terminateGroup(h.record.PID)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-h.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// end kills the process for a reason that Exit will give.
func (h *Handle) end(reason string) {
	h.mu.Lock()
	h.reason = reason
	h.mu.Unlock()
	killGroup(h.record.PID)
}

// finish ends what is left of the group and concludes. It runs as soon as the
// end is seen, while the group's id cannot have been given to another.
func (h *Handle) finish() {
	killGroup(h.record.PID)
	h.conclude()
}

// conclude reads how the process ended and closes done.
func (h *Handle) conclude() {
	exit := Exit{Code: -1}
	if b, err := os.ReadFile(exitFile(h.state)); err == nil {
		if code, err := strconv.Atoi(strings.TrimSpace(string(b))); err == nil {
			exit.Code = code
		}
	}
	h.mu.Lock()
	exit.Reason = h.reason
	h.exit = exit
	h.mu.Unlock()
	close(h.done)
}

// poll waits for a process that is not a child of this engine.
func (h *Handle) poll() {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for range ticker.C {
		if !h.alive() {
			h.finish()
			return
		}
	}
}

// Running reports whether there is a process with this id that has not ended;
// one that has, and was not waited for by its parent, does not count.
func Running(pid int) bool {
	p, err := process.NewProcess(int32(pid)) //nolint:gosec // a PID fits
	if err != nil {
		return false
	}
	status, err := p.Status()
	return err == nil && !isZombie(status)
}

func (h *Handle) alive() bool {
	p, err := process.NewProcess(int32(h.record.PID)) //nolint:gosec // a PID fits
	if err != nil {
		return false
	}
	if born, err := p.CreateTime(); err != nil || max(born, h.record.Created)-min(born, h.record.Created) > bornWithin {
		return false
	}
	status, err := p.Status()
	return err == nil && !isZombie(status)
}

func isZombie(status []string) bool {
	return len(status) == 1 && status[0] == process.Zombie
}

// watchMemory ends the group when it holds more memory than it may.
func (h *Handle) watchMemory() {
	if h.record.Memory <= 0 {
		return
	}
	ticker := time.NewTicker(measureEvery)
	defer ticker.Stop()
	for {
		select {
		case <-h.done:
			return
		case <-ticker.C:
		}
		if used := resident(int32(h.record.PID)); used > h.record.Memory { //nolint:gosec // a PID fits
			h.end(fmt.Sprintf("used %d MiB of memory where %s is allowed", used>>20, mlops.Quantity(h.record.Memory)))
			return
		}
	}
}

// resident sums the resident memory of a process and its descendants, bytes.
func resident(pid int32) int64 {
	p, err := process.NewProcess(pid)
	if err != nil {
		return 0
	}
	var sum int64
	if m, err := p.MemoryInfo(); err == nil {
		sum = int64(m.RSS) //nolint:gosec // no machine has that much memory
	}
	children, err := p.Children()
	if err != nil {
		return sum
	}
	for _, c := range children {
		sum += resident(c.Pid)
	}
	return sum
}

// sweep kills what carries this process's token and left its group.
func (h *Handle) sweep() { Sweep(h) }

// Sweep kills what ended processes left behind, even what moved out of their
// groups. It looks once at every process of the machine, which takes
// milliseconds: many handles are better swept together.
func Sweep(handles ...*Handle) {
	tokens := make(map[string]bool, len(handles))
	for _, h := range handles {
		tokens[h.record.Token] = true
	}
	for p, token := range tokened() {
		if tokens[token] {
			_ = p.Kill() // gone already is as good
		}
	}
}

// tokened yields the processes that carry a token, with it.
func tokened() iter.Seq2[*process.Process, string] {
	return func(yield func(*process.Process, string) bool) {
		all, err := process.Processes()
		if err != nil {
			return
		}
		for _, p := range all {
			env, err := p.Environ()
			if err != nil {
				continue // another user's, or gone
			}
			i := slices.IndexFunc(env, func(v string) bool { return strings.HasPrefix(v, tokenName+"=") })
			if i >= 0 && !yield(p, strings.TrimPrefix(env[i], tokenName+"=")) {
				return
			}
		}
	}
}

// hasExit reports whether the process left a record of its end.
func (h *Handle) hasExit() bool {
	_, err := os.Stat(exitFile(h.state))
	return err == nil
}

// find looks for the process by its token: the oldest that carries it leads.
func (h *Handle) find() bool {
	for p, token := range tokened() {
		if token != h.record.Token {
			continue
		}
		born, err := p.CreateTime()
		if err == nil && (h.record.PID == 0 || born < h.record.Created || born == h.record.Created && int(p.Pid) < h.record.PID) {
			h.record.PID, h.record.Created = int(p.Pid), born
		}
	}
	return h.record.PID != 0
}

func created(pid int) int64 {
	p, err := process.NewProcess(int32(pid)) //nolint:gosec // a PID fits
	if err != nil {
		return 0
	}
	t, err := p.CreateTime()
	if err != nil {
		return 0
	}
	return t
}

func recordFile(state string) string { return filepath.Join(state, "process.json") }
func exitFile(state string) string   { return filepath.Join(state, "exit") }
