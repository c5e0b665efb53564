package provider

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

func TestQuietSDK(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		environ []string
		want    map[string]string
	}{
		{"no log", []string{"HOME=/", "TFLOG=x"}, map[string]string{"TF_LOG_SDK": "OFF"}},
		{"a log", []string{"TF_LOG=debug"}, map[string]string{}},
		{"a provider's log", []string{"TF_LOG_PROVIDER_MLOPS=trace"}, map[string]string{}},
		{"a test's log", []string{"TF_ACC_LOG_PATH=x"}, map[string]string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := map[string]string{}
			quietSDK(tt.environ, func(k, v string) error { got[k] = v; return nil })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("set (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSlimServerHidesNothing(t *testing.T) {
	t.Parallel()
	s := NewServer("test", testFactories())
	if _, ok := s.(slimServer); !ok {
		t.Fatalf("the framework's server %T cannot be wrapped any more", s)
	}
	if _, ok := s.(tfprotov6.ListResourceServer); !ok {
		t.Error("list resources are hidden")
	}
	if _, ok := s.(tfprotov6.ActionServer); !ok {
		t.Error("actions are hidden")
	}
}

// What a request's context holds is free when the request has ended, although
// the framework remembers the request.
func TestSlimServerLetsGo(t *testing.T) {
	t.Parallel()
	s := NewServer("test", testFactories())
	freed := make(chan struct{})
	func() {
		payload := new([1 << 16]byte)
		runtime.AddCleanup(payload, func(c chan struct{}) { close(c) }, freed)
		ctx := context.WithValue(t.Context(), payloadKey{}, payload)
		if _, err := s.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: "mlops_model"}); err != nil {
			t.Error(err)
		}
	}()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		runtime.GC()
		select {
		case <-freed:
			runtime.KeepAlive(s)
			return
		case <-deadline:
			t.Fatal("the request's context is still held")
		case <-tick.C:
		}
	}
}

type payloadKey struct{}

func TestRequestContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "held"))
	defer cancel()
	c := &requestContext{}
	c.held.Store(&ctx)
	if c.Err() != nil || c.Value(key{}) != "held" {
		t.Errorf("during the request: %v, %v", c.Err(), c.Value(key{}))
	}
	c.end()
	if c.Err() == nil || c.Value(key{}) != nil {
		t.Errorf("after the request: %v, %v", c.Err(), c.Value(key{}))
	}
	<-c.Done()
}
