package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"
)

// The model server's settings, from its environment.
const (
	envNote  = "BENCH_NOTE"  // file for where and since when it serves
	envDelay = "BENCH_DELAY" // how long it takes to become ready
)

const (
	features = 30  // of a row
	trees    = 100 // as many as scikit-learn's forests have unless told otherwise
	depth    = 10
)

// note is what a model server tells the measure about itself.
type note struct {
	Port  string    `json:"port"`
	Ready time.Time `json:"ready"`
}

func readNote(path string) (note, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return note{}, fmt.Errorf("the model server left no note: %w", err)
	}
	var n note
	return n, json.Unmarshal(text, &n)
}

// serveModel is a small model server of the custom format: it listens on $PORT
// and answers {"instances": …} with predictions of a forest.
func serveModel(ctx context.Context, _ []string) error {
	if delay, err := time.ParseDuration(cmp.Or(os.Getenv(envDelay), "0")); err != nil {
		return err
	} else if err := pause(ctx, delay); err != nil {
		return err
	}
	var config net.ListenConfig
	port := os.Getenv("PORT")
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newForest(), ReadHeaderTimeout: 10 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if path := os.Getenv(envNote); path != "" {
		text, err := json.Marshal(note{port, time.Now()})
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// pause waits, or returns the context's error.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// split is a node of a tree; node i has the children 2i+1 and 2i+2.
type split struct {
	feature   int
	threshold float64
}

// forest is a model with the cost of a real one and the knowledge of none.
type forest [trees][1 << depth]split

func newForest() *forest {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // every run has the same forest
	f := &forest{}
	for t := range f {
		for i := range f[t] {
			f[t][i] = split{random.IntN(features), random.Float64()}
		}
	}
	return f
}

type prediction struct {
	Label         string     `json:"label"`
	Probabilities [2]float64 `json:"probabilities"`
}

func (f *forest) predict(row []float64) prediction {
	votes := 0
	for t := range f {
		at := 0
		for range depth - 1 {
			at = 2*at + 1
			if s := f[t][(at-1)/2]; row[s.feature] > s.threshold {
				at++
			}
		}
		votes += at & 1
	}
	p := float64(votes) / trees
	if p > 0.5 {
		return prediction{"malignant", [2]float64{1 - p, p}}
	}
	return prediction{"benign", [2]float64{1 - p, p}}
}

// ServeHTTP implements http.Handler. Everything but a prediction is answered
// with an empty page, readiness probes among it.
func (f *forest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	var request struct {
		Instances [][]float64 `json:"instances"`
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := map[string][]prediction{}
	for _, row := range request.Instances {
		if len(row) != features {
			http.Error(w, fmt.Sprintf("a row has %d values", features), http.StatusBadRequest)
			return
		}
		answer["predictions"] = append(answer["predictions"], f.predict(row))
	}
	w.Header().Set("Content-Type", "application/json")
	text, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(text) // a client that went away is not the server's trouble
}

// sampleRequest is what is sent to a model server, about 10 KB.
func sampleRequest() []byte {
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // every run sends the same request
	rows := make([][]float64, 16)
	for i := range rows {
		for range features {
			rows[i] = append(rows[i], random.Float64())
		}
	}
	text, err := json.Marshal(map[string]any{"instances": rows})
	if err != nil {
		panic("bench: rows of numbers have a JSON form: " + err.Error())
	}
	return text
}
