package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/simulate/aws"
	"github.com/terraform-mlops/terraform-provider-mlops/test/containers"
)

// ledgerPath is where an account is asked for its ledger. No service has it.
const ledgerPath = "/-/ledger"

// keepAccount is a simulated AWS account until its standard input ends: <duration
// of a phase>. It prints where it listens.
func keepAccount(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("usage: " + roleAccount + " <duration of a phase>")
	}
	phase, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	models, err := aws.Models(ctx)
	if err != nil {
		return err
	}
	world := aws.New(aws.Config{})
	world.SetHooks(aws.Hooks{RunStep: player().Run})
	const room = 10_000 // a thousand endpoints are more than a new account may have
	for _, quota := range []string{"ml.c5.large for endpoint usage", "Number of instances across active endpoints"} {
		world.SetQuota(quota, room)
	}
	k := &keeper{world: world, server: aws.NewServer(world, models), phase: phase}
	k.start()
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: k, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started it has gone
		_ = server.Close()
	}()
	if _, err := fmt.Println("http://" + listener.Addr().String()); err != nil {
		return err
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// keeper puts a clock on an account whose phases would pass by looks.
type keeper struct {
	world  *aws.World
	server *aws.Server
	phase  time.Duration

	mu     sync.Mutex
	phases int
	busy   time.Duration // before until
	until  time.Time     // when all that is on its way will be there
}

// forever is more looks than anybody takes.
const forever = math.MaxInt32

// start makes phases last until the clock ends them, unless they take no time.
func (k *keeper) start() {
	if k.phase > 0 {
		k.world.SetLooks(forever)
	}
}

// ServeHTTP answers for the account, and for its ledger.
func (k *keeper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == ledgerPath {
		if err := json.NewEncoder(w).Encode(k.ledger()); err != nil {
			fmt.Fprintln(os.Stderr, "the simulated account's ledger:", err)
		}
		return
	}
	k.server.ServeHTTP(w, r)
	if k.phase > 0 && takesTime(r) {
		k.begin(time.Now())
	}
}

// takesTime reports whether a request begins what SageMaker has a phase for.
func takesTime(r *http.Request) bool {
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "SageMaker.") {
	case "StartPipelineExecution", "CreateModelPackageGroup", "CreateModelPackage", "CreateEndpoint", "CreateProcessingJob", "CreateMonitoringSchedule":
		return true
	}
	return false
}

// begin notes that something is on its way, and lets go of it in time. It lets go
// of all that is: what is measured makes one thing after the other.
func (k *keeper) begin(now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	from := now
	if k.until.After(now) {
		from = k.until
	}
	k.phases++
	k.until = now.Add(k.phase)
	k.busy += k.until.Sub(from)
	time.AfterFunc(k.phase, func() {
		k.world.SetLooks(0) // ends what is under way
		k.world.SetLooks(forever)
	})
}

// ledger returns what happened since it was last called.
func (k *keeper) ledger() ledger {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := ledger{Calls: k.server.Calls(), Busy: k.busy, Phases: k.phases, Violations: k.server.Violations()}
	k.server.ResetCalls()
	k.busy, k.phases = 0, 0
	return l
}

// player does what the steps of a bench do: no container runs in a simulation. Every
// output is a table that a model could have been trained on.
func player() containers.Player {
	return containers.Player{Constraints: constraints, Write: func(aws.StepRun, string) []byte {
		return []byte("age,income,prediction\n40,30000,1\n35,28000,0\n52,41000,1\n")
	}}
}

// constraints is what AWS's analyzer suggests of that table.
const constraints = `{"version": 0.0, "features": [
  {"name": "age", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": true}},
  {"name": "income", "inferred_type": "Integral", "completeness": 1.0, "num_constraints": {"is_non_negative": true}},
  {"name": "prediction", "inferred_type": "Integral", "completeness": 1.0}
], "monitoring_config": {}}`
