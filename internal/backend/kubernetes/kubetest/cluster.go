package kubetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// patience is how long a program may take to start, and a condition to come true,
// on a machine that is busy with other tests.
const patience = 3 * time.Minute

// Part is what a cluster can have besides its API server.
type Part int

// The parts of a cluster. Each brings what it needs.
const (
	// Controllers is the controller manager: namespaces go away, quotas are counted,
	// deployments and jobs have pods, owned objects are collected.
	Controllers Part = iota
	// Nodes is the scheduler and two nodes, of which one has eight GPUs, with volumes for
	// whoever claims them.
	Nodes
	// KServe is KServe's manager with its webhooks, in Standard mode where an inference
	// service names none.
	KServe
	// Argo is Argo's workflow controller.
	Argo
	// Knative is Knative Serving: its controllers and those of its autoscaler, without an
	// ingress and without anybody who counts requests.
	Knative
)

// Cluster is one control plane, which starts when it is first needed and is shared
// by the tests of a binary. Its zero value is ready.
type Cluster struct {
	mu      sync.Mutex
	err     error // why it cannot start
	running []Part

	directory string
	programs  programs
	modules   map[string]string // folders of the pinned modules, by path
	watchdog  *watchdog
	processes map[string]*process
	access    Access
	counted   string // token of the user whose requests are written down
	ports     ports
	objects   *objects
	authority *authority
	play      play
}

// Access is what a client needs to reach a cluster as somebody.
type Access struct {
	Host  string // https://127.0.0.1:port
	Token string
	CA    []byte // PEM
}

// Config returns the access as client-go takes it, without a limit on requests.
func (a Access) Config() *rest.Config {
	return &rest.Config{
		Host: a.Host, BearerToken: a.Token, QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: a.CA},
	}
}

// Run runs a binary's tests and then ends the cluster. TestMain passes its result to
// os.Exit.
func (c *Cluster) Run(m *testing.M) int {
	code := m.Run()
	if err := c.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "end the cluster:", err)
		return max(code, 1)
	}
	return code
}

// Start is Open for a test, which fails where it cannot have the parts. The cluster
// outlives the test.
func (c *Cluster) Start(t testing.TB, parts ...Part) {
	t.Helper()
	if err := c.Open(context.Background(), parts...); err != nil {
		t.Fatalf("start a Kubernetes cluster: %v", err)
	}
}

// Open starts the API server, if it does not run yet, and the parts that are asked
// for and do not run yet. All of it ends with the context, or by Close.
func (c *Cluster) Open(ctx context.Context, parts ...Part) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.directory == "" {
		c.err = c.startControlPlane(ctx)
	}
	for _, part := range needed(parts) {
		if c.err != nil || slices.Contains(c.running, part) {
			continue
		}
		c.err = c.start(ctx, part)
		c.running = append(c.running, part)
	}
	return c.err
}

// has reports whether a part runs.
func (c *Cluster) has(part Part) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Contains(c.running, part)
}

// needed lists parts in the order in which they start, with those that they need.
func needed(parts []Part) []Part {
	all := slices.Clone(parts)
	for _, part := range parts {
		switch part {
		case KServe, Argo, Knative:
			all = append(all, Controllers, Nodes)
		case Nodes:
			all = append(all, Controllers)
		case Controllers:
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *Cluster) start(ctx context.Context, part Part) error {
	switch part {
	case Controllers:
		return c.startControllers(ctx)
	case Nodes:
		return c.startNodes(ctx)
	case KServe:
		return c.startKServe(ctx)
	case Argo:
		return c.startArgo(ctx)
	case Knative:
		return c.startKnative(ctx)
	default:
		return fmt.Errorf("there is no part %d", part)
	}
}

// Access returns what an administrator reaches the cluster with.
func (c *Cluster) Access() Access { return c.access }

// Kubeconfig returns the path of an administrator's kubeconfig.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.directory, "kubeconfig") }

// Log returns what a program has logged so far: "kube-apiserver", "kwok", ….
func (c *Cluster) Log(program string) string {
	text, err := os.ReadFile(filepath.Join(c.directory, program+".log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Close ends all programs and removes what they kept.
func (c *Cluster) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.directory == "" {
		return nil
	}
	c.play.end()
	var all error
	for _, p := range c.processes {
		all = errors.Join(all, p.kill())
	}
	if c.watchdog != nil {
		all = errors.Join(all, c.watchdog.close())
	}
	return errors.Join(all, os.RemoveAll(c.directory))
}
