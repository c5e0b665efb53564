package kubetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
)

// The programs of the control plane, by the names that their logs have.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	kwok              = "kwok"
	kserve            = "kserve"
	knative           = "knative"
	argo              = "workflow-controller"
)

// ports are loopback's. They stay the same when a program is restarted.
type ports struct{ etcd, etcdPeer, api string }

// startControlPlane starts etcd and the API server, with the definitions installed.
func (c *Cluster) startControlPlane(ctx context.Context) error {
	var err error
	if c.programs, err = build(ctx); err != nil {
		return err
	}
	if c.modules, err = modules(ctx); err != nil {
		return err
	}
	if c.directory, err = os.MkdirTemp("", "kubetest-"); err != nil {
		return err
	}
	c.processes = map[string]*process{}
	if c.watchdog, err = startWatchdog(ctx, c.directory); err != nil {
		return err
	}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	return c.startSeeded(ctx)
}

// connect makes the client that the harness itself uses.
func (c *Cluster) connect() error {
	var err error
	c.objects, err = newObjects(c.access.Config())
	return err
}

// prepare chooses ports and writes what the programs read.
func (c *Cluster) prepare(ctx context.Context) error {
	err := freePorts(ctx, &c.ports.etcd, &c.ports.etcdPeer, &c.ports.api)
	if err != nil {
		return err
	}
	if c.authority, err = newAuthority(); err != nil {
		return err
	}
	c.access = Access{Host: "https://127.0.0.1:" + c.ports.api, Token: rand.Text(), CA: c.authority.pem()}
	c.counted = rand.Text()
	return errors.Join(
		c.authority.serve(c.file("serving")),
		signer(c.file("accounts.key"), c.file("accounts.pub")),
		c.write("ca.crt", c.access.CA),
		c.write("tokens.csv", fmt.Appendf(nil, "%s,admin,admin,\"system:masters\"\n%s,%[3]s,%[3]s,\"system:masters\"\n", c.access.Token, c.counted, countedUser)),
		c.write("audit.yaml", []byte(auditPolicy)),
		c.write("kubeconfig", c.access.kubeconfig()),
	)
}

func (c *Cluster) file(name string) string { return filepath.Join(c.directory, name) }

func (c *Cluster) write(name string, text []byte) error {
	return os.WriteFile(c.file(name), text, 0o600)
}

// kubeconfig returns a file by which programs have the access.
func (a Access) kubeconfig() []byte {
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: kubetest, cluster: {server: %q, certificate-authority: ca.crt}}]
users: [{name: kubetest, user: {token: %q}}]
contexts: [{name: kubetest, context: {cluster: kubetest, user: kubetest}}]
current-context: kubetest
`, a.Host, a.Token)
}

func (c *Cluster) runEtcd(ctx context.Context) error {
	client, peer := "http://127.0.0.1:"+c.ports.etcd, "http://127.0.0.1:"+c.ports.etcdPeer
	return c.run(ctx, etcd, command{path: c.programs.controlPlane(), args: []string{
		"etcd", "--data-dir", c.file("etcd"), "--log-level", "warn",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer,
		"--unsafe-no-fsync", // a test's data need not outlive the machine
	}})
}

// runAPIServer starts the API server and waits until it is ready.
func (c *Cluster) runAPIServer(ctx context.Context) error {
	err := c.run(ctx, apiServer, command{path: c.programs.controlPlane(), args: []string{
		"kube-apiserver", "--etcd-servers=http://127.0.0.1:" + c.ports.etcd,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + c.ports.api,
		"--tls-cert-file=" + c.file("serving/tls.crt"), "--tls-private-key-file=" + c.file("serving/tls.key"),
		"--service-cluster-ip-range=10.0.0.0/16", "--endpoint-reconciler-type=none",
		"--authorization-mode=RBAC", "--token-auth-file=" + c.file("tokens.csv"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + c.file("accounts.pub"), "--service-account-signing-key-file=" + c.file("accounts.key"),
		"--audit-policy-file=" + c.file("audit.yaml"), "--audit-log-path=" + c.file(auditLog),
		"--allow-privileged=true", "--kubelet-preferred-address-types=InternalIP", // kwok's
	}})
	if err != nil {
		return err
	}
	return c.answers(ctx, apiServer, c.access.Host+"/readyz")
}

// answers waits until a program answers a request of an administrator's with OK.
func (c *Cluster) answers(ctx context.Context, program, url string) error {
	client, err := rest.HTTPClientFor(c.access.Config())
	if err != nil {
		return err
	}
	client.Timeout = 10 * time.Second
	return c.poll(ctx, program, func(ctx context.Context) (bool, error) {
		if err := c.processes[program].failure(); err != nil {
			return false, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return false, nil //nolint:nilerr // it does not listen yet
		}
		return resp.StatusCode == http.StatusOK, resp.Body.Close()
	})
}

// poll asks until something is so. It names what it waited for.
func (c *Cluster) poll(ctx context.Context, what string, done wait.ConditionWithContextFunc) error {
	if err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, done); err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	return nil
}

// freePorts finds ports that nobody listens on.
func freePorts(ctx context.Context, into ...*string) error {
	for _, port := range into {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		// Open until all are found: they have to differ.
		defer func() { _ = listener.Close() }()
		if _, *port, err = net.SplitHostPort(listener.Addr().String()); err != nil {
			return err
		}
	}
	return nil
}
