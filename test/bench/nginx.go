package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// proxy is a running nginx.
type proxy struct {
	url   string
	cmd   *exec.Cmd
	ended chan struct{}
}

// startNginx starts nginx as a reverse proxy in front of an address.
func startNginx(ctx context.Context, s site, upstream string) (*proxy, error) {
	path, err := findNginx(ctx, s)
	if err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(s.dir, "nginx")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, []byte(nginxConfig(dir, address, upstream)), 0o600); err != nil {
		return nil, err
	}
	p := &proxy{url: "http://" + address, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), path, "-p", dir, "-c", config, "-e", filepath.Join(dir, "error.log"))
	setApart(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, unavailableError("nginx does not start: " + err.Error())
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is in ProcessState
	}()
	if err := p.awaitListening(ctx, address); err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "error.log")) // it adds to an error that there is
		return nil, errors.Join(err, p.stop(), errors.New(string(log)))
	}
	return p, nil
}

// nginxConfig is what the manual advises for a proxy with little to do: a
// worker for each core and connections that stay open on both sides.
func nginxConfig(dir, address, upstream string) string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n" // the workers' files are in a directory of this user's
	}
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "  %s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	return user + fmt.Sprintf(`daemon off;
worker_processes auto;
pid %s;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_buffer_size 64k;
%s  upstream model { server %s; keepalive 64; }
  server {
    listen %s;
    keepalive_requests 1000000;
    location / {
      proxy_pass http://model;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }
  }
}
`, filepath.Join(dir, "nginx.pid"), temporary.String(), upstream, address)
}

func (p *proxy) awaitListening(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var dialer net.Dialer
	for {
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return connection.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("nginx ended: %s", p.cmd.ProcessState)
		default:
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("wait for nginx: %w", err)
		}
	}
}

// stop ends nginx with its workers.
func (p *proxy) stop() error {
	err := p.cmd.Process.Signal(os.Interrupt)
	<-p.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// findNginx returns an nginx: the installed one, or one unpacked from the
// distribution's package without installing it.
func findNginx(ctx context.Context, s site) (string, error) {
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", unavailableError("nginx is not installed")
	}
	const fetch = `apt-get download nginx >&2 && dpkg-deb --extract nginx_*.deb .`
	cmd := exec.CommandContext(ctx, "sh", "-c", fetch)
	cmd.Dir = s.dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", unavailableError("nginx is not installed, and its package could not be fetched: " + lastLine(said))
	}
	path := filepath.Join(s.dir, "usr", "sbin", "nginx")
	if said, err := exec.CommandContext(ctx, path, "-v").CombinedOutput(); err != nil {
		return "", unavailableError("nginx is not installed, and does not run without: " + lastLine(said))
	}
	return path, nil
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
