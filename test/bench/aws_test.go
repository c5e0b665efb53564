package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
)

// Phases that overlap are counted once, and each ledger begins anew.
func TestKeeperCountsTimeOnItsWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		world := aws.New(aws.Config{})
		k := &keeper{world: world, server: aws.NewServer(world, os.DirFS(t.TempDir())), phase: 10 * time.Second}
		k.start()
		k.begin(time.Now())
		time.Sleep(4 * time.Second)
		k.begin(time.Now()) // overlaps for six seconds
		time.Sleep(time.Minute)
		k.begin(time.Now())
		time.Sleep(time.Minute)
		if l := k.ledger(); l.Busy != 24*time.Second || l.Phases != 3 {
			t.Errorf("busy for %s in %d phases, want 24s in 3", l.Busy, l.Phases)
		}
		if l := k.ledger(); l.Busy != 0 || l.Phases != 0 {
			t.Errorf("busy for %s in %d phases after the ledger was taken", l.Busy, l.Phases)
		}
	})
}

func TestTakesTime(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]bool{
		"SageMaker.CreateEndpoint": true, "SageMaker.StartPipelineExecution": true,
		"SageMaker.DescribeEndpoint": false, "AmazonSSM.PutParameter": false, "": false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		r.Header.Set("X-Amz-Target", target)
		if got := takesTime(r); got != want {
			t.Errorf("%q: %t, want %t", target, got, want)
		}
	}
}

func TestLedgerWords(t *testing.T) {
	t.Parallel()
	l := ledger{Calls: map[string]int{"sagemaker.ListTags": 1, "sagemaker.Search": 10, "s3.GET": 1}}
	if got, want := l.words(), "10 sagemaker.Search, 1 s3.GET, 1 sagemaker.ListTags"; got != want || l.total() != 12 {
		t.Errorf("%q, %d in all; want %q, 12 in all", got, l.total(), want)
	}
}
