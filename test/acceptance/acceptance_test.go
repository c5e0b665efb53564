package acceptance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/test/tfcli"
)

const (
	patience = 2 * time.Minute
	pollRate = 20 * time.Millisecond
)

func TestMain(m *testing.M) {
	if os.Getenv("TF_ACC") == "" && os.Getenv("CI") == "true" {
		fmt.Fprintln(os.Stderr, "acceptance tests must run in CI: set TF_ACC=1 (`make test` does)")
		os.Exit(1)
	}
	code := cluster.Run(m)
	if err := errors.Join(devCluster.Close(), registry.Close()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// workspace returns an initialised workspace with a configuration, or an empty
// one.
func workspace(t *testing.T, config string) *tfcli.Workspace {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance test; set TF_ACC=1 or run `make test`")
	}
	w := tfcli.New(t).Workspace(t)
	if config != "" {
		w.Write("main.tf", header+config)
		w.Init()
	}
	return w
}

const header = `
terraform {
  required_providers {
    mlops = { source = "terraform-mlops/mlops" }
  }
}
provider "mlops" {}
`

const environment = `
resource "mlops_environment" "e" {
  name  = "acc"
  stage = "dev"
  local = {}
}
`

// served is an endpoint on a server of the test's own. The server's file is
// written by server.
const served = environment + `
variable "smoke_status" {
  type    = number
  default = 200
}
resource "mlops_model" "m" {
  environment = mlops_environment.e.id
  name        = "m"
}
resource "mlops_model_version" "v" {
  model        = mlops_model.m.id
  artifact_uri = "${path.module}/server.py"
  format       = "custom"
  command      = ["sh", "-c", "exec python3 \"$MODEL_PATH\""]
}
resource "mlops_model_endpoint" "x" {
  environment = mlops_environment.e.id
  name        = "x"
  variants = {
    main = { version = mlops_model_version.v.id, traffic = 100, startup_timeout = "20s" }
  }
  smoke_test = { request = jsonencode({ instances = [[1]] }), expect_status = var.smoke_status }
}
output "url" { value = mlops_model_endpoint.x.url }
output "serving" { value = mlops_model_endpoint.x.serving["main"].digest }
`

// server is a model server in Python that answers with a word. before runs at
// its start.
func server(answer, before string) string {
	return fmt.Sprintf(`
import os, subprocess, sys, time
%s
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b'%s'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
    def log_message(self, *a):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`, before, answer)
}

// post sends a prediction request and returns the status and the answer.
func post(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(`{"instances": [[1]]}`))
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(bytes.TrimSpace(b))
}

// answers fails the test unless an endpoint comes to answer with a word.
func answers(t *testing.T, url, want string) {
	t.Helper()
	var status int
	var got string
	if eventually(func() bool { status, got = post(t, url); return status == http.StatusOK && got == want }) {
		return
	}
	t.Fatalf("%s answers %d %q, want %q", url, status, got, want)
}

// eventually reports whether a condition comes true.
func eventually(condition func() bool) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(pollRate) {
		if condition() {
			return true
		}
	}
	return false
}

// appears waits for a file.
func appears(t *testing.T, path string) {
	t.Helper()
	if !eventually(func() bool { _, err := os.Stat(path); return err == nil }) {
		t.Fatalf("%s did not appear", path)
	}
}

// lines counts the lines of a file; a file that is not there has none.
func lines(t *testing.T, path string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return 0
	}
	return strings.Count(string(b), "\n")
}
