package monitors

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/gateway"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// judging is a monitor of accuracy that needs few rows.
func judging(change func(*mlops.ModelQualityCheck)) func(*mlops.MonitorSpec) {
	return func(s *mlops.MonitorSpec) {
		s.MinRows = 2
		s.ModelQuality = &mlops.ModelQualityCheck{Task: "classification", Min: map[string]float64{"accuracy": 0.9}}
		change(s.ModelQuality)
	}
}

func asIs(*mlops.ModelQualityCheck) {}

// asked captures a request that was answered some time ago with these predictions.
func (b *bench) asked(id string, ago time.Duration, predictions string) {
	b.t.Helper()
	n := strings.Count(predictions, ",") + 1
	instances := "[" + strings.TrimSuffix(strings.Repeat("[1],", n), ",") + "]"
	b.write(gateway.CaptureFile, line(id, time.Now().Add(-ago), 200, `{"instances":`+instances+`}`, `{"predictions":[`+predictions+`]}`))
}

func label(id, value string) string {
	return fmt.Sprintf(`{"request_id":%q,"label":%s}`+"\n", id, value)
}

// TestTruth: labels are joined by request and place, late ones when they come, and
// of several for one request the last counts.
func TestTruth(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		labels   string
		want     mlops.MonitorState
		accuracy float64
		judged   int64
		words    string
	}{
		{"none yet", "", mlops.MonitorNoData, 0, 0, "the truth is known of 0 rows, 2 are needed"},
		{"some are late", label("a", "[1,0]"), mlops.MonitorOK, 1, 2, ""},
		{"all came", label("b", "1") + label("a", "[1,0]"), mlops.MonitorOK, 1, 3, ""},
		{"twice: the last counts", label("a", "[0,1]") + label("a", "[1,0]"), mlops.MonitorOK, 1, 2, "1 times the truth came once more"},
		{"wrong", label("a", "[1,1]"), mlops.MonitorViolated, 0.5, 2, "accuracy 0.5"},
		{"as text", label("a", `["1","0"]`), mlops.MonitorOK, 1, 2, ""},
		{"of nobody", label("z", "1") + label("a", "[1,0]"), mlops.MonitorOK, 1, 2, ""},
		{"too short and too long", label("a", "[1]") + label("b", "[1,0,0]"), mlops.MonitorOK, 1, 2, ""},
		{"damaged lines", "{\n" + `{"label":1}` + "\n" + label("a", "[1,0]"), mlops.MonitorOK, 1, 2, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.asked("a", time.Hour, "1,0")
			b.asked("b", time.Minute, "1")
			b.watch(judging(asIs))
			b.check(mlops.MonitorNoData)
			b.write(gateway.GroundTruthFile, tt.labels)
			r := b.check(tt.want)
			q := r.Checks["model_quality"]
			if q.Rows != tt.judged || !strings.Contains(q.Reason, tt.words) {
				t.Errorf("%d rows judged because %q, want %d and %q", q.Rows, q.Reason, tt.judged, tt.words)
			}
			if tt.want == mlops.MonitorNoData {
				return
			}
			if got := *figure(t, r, "model_quality", "accuracy", "").Value; got != tt.accuracy {
				t.Errorf("accuracy %g, want %g", got, tt.accuracy)
			}
			if missing := *figure(t, r, "model_quality", "(ground truth)", "").Value; missing != 100*float64(3-tt.judged)/3 {
				t.Errorf("%g %% of the truth is missing", missing)
			}
		})
	}
}

// TestDamagedTruthIsCounted in the report.
func TestDamagedTruthIsCounted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.asked("a", time.Hour, "1,1")
	b.write(gateway.GroundTruthFile, "{\n"+label("a", "[0,0]"))
	b.watch(judging(asIs))
	if r := b.check(mlops.MonitorViolated); !strings.Contains(r.Reason, "1 lines could not be read") {
		t.Errorf("reason %q", r.Reason)
	}
}

// TestTruthThatTakesLonger: with a delay, requests of before the window are judged
// when their truth comes, and only those that are overdue count as missing.
func TestTruthThatTakesLonger(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.asked("old", 30*time.Hour, "1,1")
	b.asked("overdue", 8*time.Hour, "1")
	b.asked("fresh", time.Minute, "1")
	b.write(gateway.GroundTruthFile, label("old", "[1,1]"))
	b.watch(judging(func(q *mlops.ModelQualityCheck) { q.Delay = mlops.Duration(7 * time.Hour) }))
	r := b.check(mlops.MonitorOK)
	if q := r.Checks["model_quality"]; q.Rows != 2 || r.Rows != 2 {
		t.Errorf("%d rows judged, of %d in the window", q.Rows, r.Rows)
	}
	if got := *figure(t, r, "model_quality", "(ground truth)", "missing_percent").Value; got != 100.0/3 {
		t.Errorf("%g %% missing, want one of three", got)
	}
}

// TestTruthOfItsOwn: a file, a folder, compressed ones; a file that is not there
// yet is no fault.
func TestTruthOfItsOwn(t *testing.T) {
	t.Parallel()
	unended := strings.TrimSuffix(label("a", "[1,0]"), "\n") // people's files often are
	tests := []struct {
		name  string
		files map[string]string
		uri   string
		want  mlops.MonitorState
		words string
	}{
		{"a file", map[string]string{"truth.jsonl": unended}, "truth.jsonl", mlops.MonitorOK, ""},
		{"a compressed file", map[string]string{"truth.jsonl.gz": zipped(t, unended)}, "truth.jsonl.gz", mlops.MonitorOK, ""},
		{"a folder", map[string]string{"1.jsonl": label("a", "[0,0]"), "2.jsonl": unended, "README": "no"}, "", mlops.MonitorOK, ""},
		{"not there yet", nil, "truth.jsonl", mlops.MonitorNoData, "there is no ground truth at"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b, dir := newBench(t), t.TempDir()
			for name, text := range tt.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b.asked("a", time.Hour, "1,0")
			b.watch(judging(func(q *mlops.ModelQualityCheck) { q.GroundTruth = filepath.Join(dir, tt.uri) }))
			if r := b.check(tt.want); !strings.Contains(r.Reason, tt.words) {
				t.Errorf("reason %q", r.Reason)
			}
		})
	}
}

// TestRegressionOfText: a number that came as text is one; what is none is not
// judged.
func TestRegressionOfText(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.asked("a", time.Hour, `1.5,2.5,"none"`)
	b.write(gateway.GroundTruthFile, label("a", `["1.5",2.5,3]`))
	b.watch(func(s *mlops.MonitorSpec) {
		s.MinRows = 2
		s.ModelQuality = &mlops.ModelQualityCheck{Task: "regression", Max: map[string]float64{"mae": 0}}
	})
	if r := b.check(mlops.MonitorOK); r.Checks["model_quality"].Rows != 2 {
		t.Errorf("%+v", r.Checks)
	}
}
