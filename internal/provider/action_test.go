package provider

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// wantTold expects that an action told of something with all the words.
func wantTold(t *testing.T, told []string, words ...string) {
	t.Helper()
	for _, line := range told {
		missing := false
		for _, w := range words {
			missing = missing || !strings.Contains(line, w)
		}
		if !missing {
			return
		}
	}
	t.Errorf("nothing told with %q; told was:\n%s", words, strings.Join(told, "\n"))
}

func (s *scene) runs(t *testing.T) []mlops.Observed[mlops.PipelineRunSpec, mlops.PipelineRunStatus] {
	t.Helper()
	all, err := targetIn(t, s, mlops.NounPipelineRun, mlops.Backend.PipelineRuns).List(t.Context(), s.pipeline)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAccRunPipelineAction(t *testing.T) {
	scenes(t, func(s *scene) {
		t := s.t
		config := obj{"pipeline": string(s.pipeline), "parameters": obj{"word": "good"}}
		for want := 1; want <= 2; want++ { // each invocation is another run
			told, diags := s.invoke(t, "mlops_run_pipeline", config)
			wantNoDiagnostics(t, diags)
			wantTold(t, told, "started", string(s.pipeline))
			wantTold(t, told, "succeeded", "accuracy = 0.9")
			if got := len(s.runs(t)); got != want {
				t.Errorf("%d runs, want %d", got, want)
			}
		}
		for _, run := range s.runs(t) {
			if run.Phase != mlops.PhaseReady || run.Spec.Parameters["word"] != "good" {
				t.Errorf("%s is %s with %v", run.Ref, run.Phase, run.Spec.Parameters)
			}
		}
	})
}

func TestAccRunPipelineActionWithoutWaiting(t *testing.T) {
	scenes(t, func(s *scene) {
		t := s.t
		told, diags := s.invoke(t, "mlops_run_pipeline", obj{"pipeline": string(s.pipeline), "parameters": obj{"word": "good"}, "wait": false})
		wantNoDiagnostics(t, diags)
		if len(told) != 1 || len(s.runs(t)) != 1 {
			t.Errorf("%d runs; told was %q", len(s.runs(t)), told)
		}
	})
}

func TestAccRunPipelineActionThatFails(t *testing.T) {
	scenes(t, func(s *scene) {
		t := s.t
		broken := made(t, s, mlops.NounPipeline, mlops.Backend.Pipelines, mlops.PipelineSpec{
			Environment: s.environment, Name: "broken", Steps: map[string]mlops.Step{"fit": {Command: []string{"false"}}},
		})
		_, diags := s.invoke(t, "mlops_run_pipeline", obj{"pipeline": string(broken)})
		wantDiagnostic(t, diags, "", "Cannot finish pipeline run", "fit", "status 1")
	})
}

func TestActionsRefuse(t *testing.T) {
	t.Parallel()
	s := &scene{core: planning(t)}
	tests := []struct {
		name, action string
		config       obj
		at           string
		words        []string
	}{
		{"run of no pipeline", "mlops_run_pipeline", obj{"pipeline": "local/dev"}, `AttributeName("pipeline")`, []string{"Not the ID of a pipeline"}},
		{"run of a pipeline that is gone", "mlops_run_pipeline", obj{"pipeline": devID + "/pipelines/x"}, `AttributeName("pipeline")`, []string{"memory has no"}},
		{"run that takes no time", "mlops_run_pipeline", obj{"pipeline": devID + "/pipelines/x", "timeout": "0s"}, `AttributeName("timeout")`, []string{"too short"}},
		{"backend that is not there", "mlops_run_pipeline", obj{"pipeline": "sagemaker/us-east-1/dev/pipelines/x"}, "", []string{"no backend"}},
		{"rollback of a model", "mlops_rollback_endpoint", obj{"endpoint": devID + "/models/x"}, `AttributeName("endpoint")`, []string{"Not the ID of a model endpoint"}},
		{"rollback of what is gone", "mlops_rollback_endpoint", obj{"endpoint": devID + "/endpoints/x"}, "", []string{"Cannot roll back model endpoint", "not found"}},
		{"request that is no JSON", "mlops_invoke_endpoint", obj{"endpoint": devID + "/endpoints/x", "request": "{"}, `AttributeName("request")`, []string{"JSON"}},
		{"status that is none", "mlops_invoke_endpoint", obj{"endpoint": devID + "/endpoints/x", "request": "{}", "expect_status": 7}, `AttributeName("expect_status")`, []string{"between 100 and 599"}},
		{"request to what is gone", "mlops_invoke_endpoint", obj{"endpoint": devID + "/endpoints/x", "request": "{}"}, `AttributeName("endpoint")`, []string{"not found"}},
		{"approval that is none", "mlops_approve_version", obj{"version": devID + "/models/m/versions/1", "approval": "aproved", "by": "jane"}, `AttributeName("approval")`, []string{`Did you mean "approved"`}},
		{"approval by nobody", "mlops_approve_version", obj{"version": devID + "/models/m/versions/1", "approval": "approved", "by": ""}, `AttributeName("by")`, []string{"at least 1"}},
		{"approval of what is gone", "mlops_approve_version", obj{"version": devID + "/models/m/versions/1", "approval": "approved", "by": "jane"}, "", []string{"Cannot change the approval of", "not found"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, diags := s.invoke(t, tt.action, tt.config)
			wantDiagnostic(t, diags, tt.at, tt.words...)
		})
	}
}

func TestActionsWaitForUnknownValues(t *testing.T) {
	t.Parallel()
	s := &scene{core: planning(t)}
	for name, config := range map[string]obj{
		"mlops_run_pipeline":      {"pipeline": unknown{}, "parameters": obj{"a": unknown{}}},
		"mlops_rollback_endpoint": {"endpoint": unknown{}},
		"mlops_invoke_endpoint":   {"endpoint": unknown{}, "request": unknown{}},
		"mlops_approve_version":   {"version": unknown{}, "approval": unknown{}, "by": unknown{}},
	} {
		resp, err := s.actions(t).ValidateActionConfig(t.Context(), &tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: s.configOf(t, name, config)})
		if err != nil {
			t.Fatal(err)
		}
		wantNoDiagnostics(t, resp.Diagnostics)
	}
}

func TestAccRollbackEndpointAction(t *testing.T) {
	scenes(t, func(s *scene) {
		t := s.t
		config := obj{"endpoint": string(s.endpoint)}
		_, diags := s.invoke(t, "mlops_rollback_endpoint", config)
		wantDiagnostic(t, diags, `AttributeName("endpoint")`, "nothing to go back to")

		s.serve(t, s.versions[1])
		if got := s.served(t); got != s.versions[1] {
			t.Fatalf("%s is served, want %s", got, s.versions[1])
		}
		told, diags := s.invoke(t, "mlops_rollback_endpoint", config)
		wantNoDiagnostics(t, diags)
		wantTold(t, told, "going back to "+string(s.versions[0]))
		wantTold(t, told, "serves "+string(s.versions[0]), "again")
		if got := s.served(t); got != s.versions[0] {
			t.Errorf("after the rollback %s is served, want %s", got, s.versions[0])
		}
	})
}

func TestFormerSpec(t *testing.T) {
	t.Parallel()
	size := &mlops.Compute{CPU: 2}
	was := func(version mlops.ID, traffic int64) mlops.Serving {
		return mlops.Serving{Version: version, Traffic: traffic}
	}
	now := map[string]mlops.Variant{"a": {Version: "v2", Traffic: 100, Compute: size}}
	tests := []struct {
		name   string
		status mlops.ModelEndpointStatus
		want   map[string]mlops.Variant // nil is a refusal
	}{
		{"never changed", mlops.ModelEndpointStatus{}, nil},
		{"same as now", mlops.ModelEndpointStatus{Previous: map[string]mlops.Serving{"a": was("v2", 100)}}, nil},
		{
			"another version",
			mlops.ModelEndpointStatus{Previous: map[string]mlops.Serving{"a": was("v1", 100)}},
			map[string]mlops.Variant{"a": {Version: "v1", Traffic: 100, Compute: size}},
		},
		{
			"a variant that is gone",
			mlops.ModelEndpointStatus{Previous: map[string]mlops.Serving{"a": was("v1", 90), "b": was("v2", 10)}},
			map[string]mlops.Variant{"a": {Version: "v1", Traffic: 90, Compute: size}, "b": {Version: "v2", Traffic: 10}},
		},
		{
			"in the middle of a rollout",
			mlops.ModelEndpointStatus{
				Rollout: &mlops.RolloutStatus{State: mlops.RolloutRunning}, Serving: map[string]mlops.Serving{"a": was("v2", 90)},
				Previous: map[string]mlops.Serving{"a": was("v1", 100)},
			},
			now,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			seen := seenEndpoint{Spec: mlops.ModelEndpointSpec{Variants: now}, Status: tt.status}
			got, err := formerSpec(seen)
			if (err == nil) != (tt.want != nil) {
				t.Fatalf("error is %v", err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, got.Variants); diff != "" {
				t.Errorf("variants (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAccInvokeEndpointAction(t *testing.T) {
	scenes(t, func(s *scene) {
		t := s.t
		config := obj{"endpoint": string(s.endpoint), "request": `{"instances": [[1]]}`}
		told, diags := s.invoke(t, "mlops_invoke_endpoint", config)
		if s.backend == "memory" { // where nothing answers
			wantDiagnostic(t, diags, "", "Cannot invoke model endpoint", "no answer")
			return
		}
		wantNoDiagnostics(t, diags)
		wantTold(t, told, "answered 200", `{"predictions": [1]}`)

		config["expect_status"] = 422
		_, diags = s.invoke(t, "mlops_invoke_endpoint", config)
		wantDiagnostic(t, diags, "", "status 200", "422 was expected", "predictions")
	})
}

// endpointThat answers with a handler.
func endpointThat(t *testing.T, h http.HandlerFunc) mlops.Credentials {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return mlops.Credentials{URL: s.URL, Token: "s3cret", Headers: map[string]string{"Authorization": "Bearer s3cret"}}
}

func TestPost(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   string // of the body
		status int64
	}{
		{"the token is sent, and never shown", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("you sent " + r.Header.Get("Authorization")))
		}, "you sent Bearer (token)", 200},
		{"a long answer is cut", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat("a", 1<<20)))
		}, strings.Repeat("a", shownAnswer) + " … (cut here)", 200},
		{"what is no text", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("a\xff\xfeb"))
		}, "a\uFFFDb", 200},
		{"a redirect is not followed", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, "", 307},
		{"an error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "", 500},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := post(t.Context(), endpointThat(t, tt.answer), "{}")
			if err != nil || got.body != tt.want || got.status != tt.status {
				t.Errorf("got %d %q, %v", got.status, got.body, err)
			}
		})
	}
}

// An endpoint that never answers ends the action at its limit, and says so.
func TestPostTimesOut(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	c := endpointThat(t, func(http.ResponseWriter, *http.Request) { <-gone })
	t.Cleanup(func() { close(gone) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := post(ctx, c, "{}"); mlops.CodeOf(err) != mlops.Timeout {
		t.Errorf("the error is %v", err)
	}
}

func TestAccApproveVersionAction(t *testing.T) {
	scenes(t, func(s *scene) {
		t := s.t
		version := func() mlops.Observed[mlops.ModelVersionSpec, mlops.ModelVersionStatus] {
			return look(t, s, s.versions[0], mlops.NounModelVersion, mlops.Backend.ModelVersions)
		}
		before := version()
		config := obj{"version": string(s.versions[0]), "approval": "approved", "by": "jane@example.com"}
		told, diags := s.invoke(t, "mlops_approve_version", config)
		wantNoDiagnostics(t, diags)
		wantTold(t, told, "approved by jane@example.com")

		want := before.Spec
		want.Approval, want.ApprovedBy = "approved", "jane@example.com"
		if diff := cmp.Diff(want, version().Spec); diff != "" {
			t.Errorf("the version (-want +got):\n%s", diff)
		}
		if got := version().Status.Digest; got != before.Status.Digest {
			t.Errorf("the digest was %s and is %s", before.Status.Digest, got)
		}

		// What somebody looked at is not what the source has by now.
		if err := os.WriteFile(s.files[0], []byte("other bytes"), 0o600); err != nil {
			t.Fatal(err)
		}
		config["approval"] = "rejected"
		_, diags = s.invoke(t, "mlops_approve_version", config)
		wantDiagnostic(t, diags, "", "are others by now")
		if got := version().Spec.Approval; got != "approved" {
			t.Errorf("the version is %s", got)
		}
	})
}
