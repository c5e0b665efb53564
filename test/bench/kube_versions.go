package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"
)

// tally stands before an MLflow server, passes requests on and counts them by what they
// ask for.
type tally struct {
	uri    string
	server *http.Server
	ended  chan error

	mu    sync.Mutex
	calls map[string]int
}

// openTally puts a tally before a server.
func openTally(ctx context.Context, behind string) (*tally, error) {
	to, err := url.Parse(behind)
	if err != nil {
		return nil, err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &tally{uri: "http://" + listener.Addr().String(), ended: make(chan error, 1), calls: map[string]int{}}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		t.count(r.In)
		r.SetURL(to)
	}}
	t.server = &http.Server{Handler: pass, ReadHeaderTimeout: 10 * time.Second}
	go func() { t.ended <- t.server.Serve(listener) }()
	return t, nil
}

// count counts a request by the last two words of its path, which name MLflow's methods.
// Artifacts have paths of their own.
func (t *tally) count(r *http.Request) {
	dir, last := path.Split(path.Clean(r.URL.Path))
	name := r.Method + " " + path.Base(dir) + "/" + last
	if match, err := path.Match("/api/2.0/mlflow/*/*", r.URL.Path); err != nil || !match {
		name = r.Method + " of artifacts"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls[name]++
}

// take lists the calls since it was last asked.
func (t *tally) take() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.calls
	t.calls = map[string]int{}
	return out
}

func (t *tally) close() error {
	err := t.server.Close()
	if ended := <-t.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// kubeVersionOf are the arguments of a version as users write it.
func kubeVersionOf(name string) string {
	return fmt.Sprintf(`
  model        = "%s/models/many-%d"
  artifact_uri = "${path.module}/%s.bin"
  format       = "custom"
  image        = %q
  approval     = "approved"
  labels       = { team = "risk" }
`, kubeEnvironment, name[len(name)-1]%manyModels, name, kubeImage)
}

// versionsPlanned applies many versions, and plans them when nothing has changed. All
// that they ask is asked of the environment's MLflow server, but for the environment.
func (k *kube) versionsPlanned(ctx context.Context, s site, n int, registry *tally) ([]result, error) {
	ours, floor := filepath.Join(s.dir, "versions"), filepath.Join(s.dir, "versions-floor")
	block := func(format string) func(string) string {
		return func(name string) string { return fmt.Sprintf(format, name, kubeVersionOf(name)) }
	}
	if err := errors.Join(
		(stack{kubeHead, block("\nresource \"mlops_model_version\" %q {%s}\n")}).write(ours, n),
		(stack{"", block("\nresource \"terraform_data\" %q {\n  input = {%s  }\n}\n")}).write(floor, n),
	); err != nil {
		return nil, err
	}
	for i := range n {
		name := memberName(i)
		if err := os.WriteFile(filepath.Join(ours, name+".bin"), []byte("bytes of "+name), 0o600); err != nil {
			return nil, err
		}
	}
	since := func(context.Context) (ledger, error) {
		l, err := k.since()
		for name, calls := range registry.take() {
			l.Calls["MLflow "+name] = calls
		}
		return l, err
	}
	begin := time.Now()
	if err := k.cli.apply(ctx, ours); err != nil {
		return nil, err
	}
	made, err := since(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "  %d versions made in %.1f s: %s\n", n, time.Since(begin).Seconds(), made.words())
	if err := k.cli.apply(ctx, floor); err != nil {
		return nil, err
	}
	p := repeatedPlan{cli: k.cli, since: since, n: n}
	best, calls, err := p.best(ctx, ours)
	if err != nil {
		return nil, err
	}
	least, _, err := p.best(ctx, floor)
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("versions of %d models on Kubernetes", manyModels)
	return append(p.judged(name, "the API server and MLflow", best, least, calls),
		figure(fmt.Sprintf("apply of %d %s, calls for each", n, name), float64(made.total())/float64(n), "calls").because("%s", made.words())), nil
}
