package serving

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// engine is another process that serves from a bench's directory.
type engine struct {
	cmd     *exec.Cmd
	address string
}

// engine starts an engine that can be killed.
func (b *bench) engine() *engine {
	b.t.Helper()
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.CommandContext(b.t.Context(), self)
	cmd.Env = append(os.Environ(), roleVariable+"=engine", "ENGINE_ROOT="+b.root)
	cmd.Stderr = b.t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	e := &engine{cmd: cmd}
	b.t.Cleanup(e.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.t.Fatalf("the engine did not start: %v", err)
	}
	e.address = strings.TrimSpace(line)
	return e
}

// kill is kill -9.
func (e *engine) kill() {
	_ = e.cmd.Process.Kill() // killed already is as good
	_ = e.cmd.Wait()
}

// order accepts a spec in the store, for an engine to find when it starts.
func (b *bench) order(s mlops.ModelEndpointSpec) {
	b.t.Helper()
	if _, err := b.store.Endpoints().Accept(b.t.Context(), s.ID(), "us", s, nil); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) recorded(id mlops.ID) record {
	b.t.Helper()
	r, err := b.store.Endpoints().Get(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// served starts an engine, lets it bring an endpoint about, and returns it with
// the process that serves.
func (b *bench) served(s mlops.ModelEndpointSpec) (*engine, int32) {
	b.t.Helper()
	b.order(s)
	e := b.engine()
	eventually(b.t, "the other engine serves", func() bool { return b.recorded(s.ID()).Phase == mlops.PhaseReady })
	_, answer := request(b.t, "http://"+e.address+"/dev/churn", "x")
	pid, err := strconv.ParseInt(strings.Fields(answer)[1], 10, 32)
	if err != nil {
		b.t.Fatalf("answer %q", answer)
	}
	return e, int32(pid)
}

func TestKilledEngineLeavesServersToTheNext(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.version("1", "one")
	s := spec(b.id("1"))
	e, pid := b.served(s)
	e.kill()
	if !running(pid) {
		t.Fatal("the server died with the engine")
	}
	b.start()
	if b.Address() != e.address {
		t.Errorf("the address was %s and is %s", e.address, b.Address())
	}
	if now := b.wantModel("one"); now != pid {
		t.Errorf("server %d was replaced by %d", pid, now)
	}
	b.remove(s.ID())
	b.noServers()
}

func TestServerThatDiedMeanwhileIsStartedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.version("1", "one")
	e, pid := b.served(spec(b.id("1")))
	e.kill()
	if err := syscall.Kill(int(pid), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.start()
	if now := b.wantModel("one"); now == pid {
		t.Error("a dead server answered")
	}
}

// TestKilledInTheMiddleOfAChange kills the engine while a new version starts.
func TestKilledInTheMiddleOfAChange(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.version("1", "one")
	b.version("2", "two")
	s := spec(b.id("1"))
	e, pid := b.served(s)
	e.kill()

	change := spec(b.id("2"), env("BEHAVIOUR", "deaf"), func(_ *mlops.ModelEndpointSpec, v *mlops.Variant) {
		v.Startup = mlops.Duration(5 * time.Second)
	})
	b.order(change)
	e = b.engine()
	eventually(t, "the new server runs", func() bool { return len(b.servers()) >= 4 })
	before := b.servers()
	e.kill()

	b.start()
	if now := b.wantModel("one"); now != pid {
		t.Errorf("server %d was replaced by %d", pid, now)
	}
	o := b.get(s.ID())
	if o.Phase != mlops.PhasePending {
		t.Errorf("the change is %s because %q; want it taken up", o.Phase, o.Reason)
	}
	for _, p := range before {
		if !running(p) {
			t.Errorf("server %d of the change was not taken over", p)
		}
	}
	o = b.settled(s.ID())
	if o.Phase != mlops.PhaseReady || o.Revision != mlops.DigestOf(s) || !strings.Contains(o.Reason, "not ready within") {
		t.Errorf("%s at %s because %q; want a rollback", o.Phase, o.Revision, o.Reason)
	}
	eventually(t, "the failed server is gone", func() bool { return len(b.servers()) == 2 })
}

func TestKilledInTheMiddleOfADeletion(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.version("1", "one")
	s := spec(b.id("1"))
	e, _ := b.served(s)
	e.kill()
	if _, err := b.store.Endpoints().Change(t.Context(), s.ID(), deleting); err != nil {
		t.Fatal(err)
	}
	b.start()
	eventually(t, "the deletion is finished", func() bool {
		_, err := b.Get(t.Context(), s.ID())
		return mlops.CodeOf(err) == mlops.NotFound
	})
	b.noServers()
}

func TestServersThatBelongToNothingAreEnded(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.version("1", "one")
	s := spec(b.id("1"))
	e, _ := b.served(s)
	e.kill()
	if err := b.store.Endpoints().Delete(t.Context(), s.ID(), nil); err != nil {
		t.Fatal(err)
	}
	b.start()
	b.noServers()
}

func TestCloseLeavesServersAndSuspendEndsThem(t *testing.T) {
	t.Parallel()
	b := started(t)
	b.version("1", "one")
	b.ready(spec(b.id("1")))
	pid := b.wantModel("one")
	b.close()
	if !running(pid) {
		t.Fatal("close ended the server")
	}
	b.start()
	if now := b.wantModel("one"); now != pid {
		t.Errorf("server %d was replaced by %d", pid, now)
	}
	b.suspend()
	b.noServers()
	b.start()
	b.wantModel("one")
}

func TestGatewayPort(t *testing.T) {
	t.Parallel()
	b := started(t)
	address := b.Address()
	b.suspend()
	b.start()
	if b.Address() != address {
		t.Errorf("the address was %s and is %s", address, b.Address())
	}
	b.suspend()
	busy, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	b.start()
	if b.Address() == address {
		t.Error("two listen on one address")
	}
	s := New(Config{Store: b.store, Layout: b.Layout, Python: b.Python, Log: b.Log, Port: portOf(busy.Addr())})
	err = s.Start(t.Context())
	if mlops.CodeOf(err) != mlops.Conflict || !strings.Contains(err.Error(), strconv.Itoa(portOf(busy.Addr()))) {
		t.Errorf("a taken port that was asked for: %v", err)
	}
}
