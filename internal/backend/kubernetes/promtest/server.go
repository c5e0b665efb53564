package promtest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	prometheus "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Interval is how often a server scrapes, and looks at its rules.
const Interval = 200 * time.Millisecond

// Config is what a server is started with.
type Config struct {
	// Target is the URL of what is scraped.
	Target string
	// Labels are what the scrape adds to every series.
	Labels map[string]string
	// Others are scraped too.
	Others []Scraped
	// Rules is a file of rules, the spec of a PrometheusRule; none if empty.
	Rules string
	// Alertmanager is the URL of an Alertmanager; none if empty.
	Alertmanager string
}

// Scraped is something else that a server scrapes: a URL, and what the scrape adds to
// every series. The same may be scraped as several.
type Scraped struct {
	Target string
	Labels map[string]string
}

// Server is a Prometheus server.
type Server struct {
	URL string
	API prometheus.API
}

// Start starts a server, which has scraped its target once when this returns.
func Start(t testing.TB, config Config) *Server {
	t.Helper()
	url := serve(
		t, tool(t, "prometheus", "prometheus"), "--web.listen-address=127.0.0.1:0", "--config.file="+file(t, "prometheus.yml", config.text(t)),
		"--storage.tsdb.path="+t.TempDir(), "--storage.tsdb.retention.time=1h", "--log.level=info",
	)
	client, err := api.NewClient(api.Config{Address: url})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{url, prometheus.NewAPI(client)}
	s.Wait(t, "up == 1")
	return s
}

// text is the configuration as Prometheus reads it: JSON is YAML.
func (c Config) text(t testing.TB) string {
	t.Helper()
	at := func(to string, labels map[string]string) map[string]any {
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		return map[string]any{"targets": []string{u.Host}, "labels": labels}
	}
	targets := []any{at(c.Target, c.Labels)}
	for _, o := range c.Others {
		targets = append(targets, at(o.Target, o.Labels))
	}
	all := map[string]any{
		"global":         map[string]any{"scrape_interval": model.Duration(Interval), "scrape_timeout": model.Duration(Interval), "evaluation_interval": model.Duration(Interval)},
		"scrape_configs": []any{map[string]any{"job_name": "target", "static_configs": targets}},
	}
	if c.Rules != "" {
		all["rule_files"] = []string{file(t, rulesFile, c.Rules)}
	}
	if c.Alertmanager != "" {
		to := at(c.Alertmanager, nil)
		all["alerting"] = map[string]any{"alertmanagers": []any{map[string]any{"static_configs": []any{to}}}}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Wait waits until a query has an answer. A server that has just begun has none.
func (s *Server) Wait(t testing.TB, query string) {
	t.Helper()
	Eventually(t, query, func() error {
		answer, err := s.ask(t, query)
		if err == nil && len(answer) == 0 {
			err = fmt.Errorf("nothing is %s", query)
		}
		return err
	})
}

// Ask returns the answer to a query now.
func (s *Server) Ask(t testing.TB, query string) model.Vector {
	t.Helper()
	answer, err := s.ask(t, query)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func (s *Server) ask(t testing.TB, query string) (model.Vector, error) {
	t.Helper()
	answer, _, _, err := s.API.Query(t.Context(), query, time.Now())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	vector, ok := answer.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("%s is answered with %s", query, answer.Type())
	}
	return vector, nil
}
