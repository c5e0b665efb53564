package serving

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/layout"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/pyenv"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
)

// roleVariable makes the test binary another program: a model server or an
// engine.
const roleVariable = "MLOPS_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "server":
		serveModel()
	case "engine":
		runEngine()
	default:
		os.Exit(m.Run())
	}
}

// serveModel is a model server that behaves as its environment says. Every
// answer begins with the model's bytes, so that tests see which one answered.
func serveModel() {
	behave(os.Getenv("BEHAVIOUR"))
	bytes, err := os.ReadFile(os.Getenv("MODEL_PATH"))
	if err != nil {
		fatal(err)
	}
	delay, err := time.ParseDuration(os.Getenv("DELAY"))
	if err != nil {
		delay = 0
	}
	if start, err := time.ParseDuration(os.Getenv("SLOW_START")); err == nil {
		time.Sleep(start)
	}
	spoilt, err := strconv.ParseInt(os.Getenv("SPOILS_AFTER"), 10, 64) // so many requests
	if err != nil {
		spoilt = 1 << 62
	}
	var seen atomic.Int64
	hung := &atomic.Bool{}
	handler := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/exit":
			os.Exit(9)
		case "/hang":
			hung.Store(true)
		case "/fail":
			w.WriteHeader(http.StatusInternalServerError)
		}
		for hung.Load() {
			time.Sleep(time.Second)
		}
		body, _ := io.ReadAll(r.Body)
		if len(body) > 0 {
			time.Sleep(delay)
			if seen.Add(1) > spoilt {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}
		fmt.Fprintf(w, "%s %d %s", bytes, os.Getpid(), body)
	}
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("PORT"), Handler: http.HandlerFunc(handler), ReadHeaderTimeout: time.Minute}
	go func() {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, syscall.SIGTERM)
		<-stop
		_ = server.Shutdown(context.Background())
		os.Exit(0)
	}()
	fatal(server.ListenAndServe())
}

func behave(how string) {
	switch how {
	case "exit":
		fmt.Println("line that is too early", strings.Repeat("\nfiller", 19))
		fmt.Println("cannot load the model")
		os.Exit(3)
	case "deaf":
		fmt.Println("loading for ever")
		time.Sleep(time.Hour)
	case "leak":
		cmd := exec.Command("setsid", "sh", "-c", `echo $$ >"$0"; exec sleep 1000`, os.Getenv("CHILD"))
		if err := cmd.Start(); err != nil {
			fatal(err)
		}
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// runEngine is an engine that is there to be killed. It serves from the
// directory it is given until then.
func runEngine() {
	root := os.Getenv("ENGINE_ROOT")
	db, err := store.Open(context.Background(), layout.Layout{Root: root}.Database())
	if err != nil {
		fatal(err)
	}
	s := New(Config{
		Store: db, Layout: layout.Layout{Root: root}, Python: pyenv.New("", root, slog.New(slog.DiscardHandler)),
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Keys: testKeys{},
	})
	s.pace.figures = 10 * time.Millisecond
	if err := s.Start(context.Background()); err != nil {
		fatal(err)
	}
	fmt.Println(s.Address())
	select {}
}
