package mlflow

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// trial is an experiment in an environment of its own, at the real server.
type trial struct {
	*testing.T

	client  *Client
	content Content
}

// note is what these tests keep as a record.
type note struct {
	Text string `json:"text"`
}

func newTrial(t *testing.T, c *Client) *trial {
	t.Helper()
	environment := mlops.ID("local/trial-" + strconv.Itoa(int(stocks.Add(1))))
	return &trial{t, c, Content{
		Object: environment.Child(mlops.NounExperiment, "trees"), Owner: "us", Record: note{"first"},
		Description: "Größe <b>", Labels: map[string]string{"team": "growth", "empty": ""},
	}}
}

func (s *trial) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *trial) wantCode(what string, err error, want mlops.Code) {
	s.Helper()
	if got := mlops.CodeOf(err); got != want {
		s.Errorf("%s: %v has code %q, want %q", what, err, got, want)
	}
}

// carried is what the carrier at the server says.
func (s *trial) carried() Content {
	s.Helper()
	found, err := s.client.Carrier(s.Context(), s.content.Object)
	s.must(err)
	text, _, _ := strings.Cut(strings.TrimPrefix(string(found.Record), `{"text":"`), `"}`)
	return Content{found.Object, found.Owner, note{text}, found.Description, found.Labels}
}

// python uses the server as an ordinary client, by the name of the experiment.
func (s *trial) python(program string, args ...string) map[string]any {
	s.Helper()
	return server.Python(s.T, "client, name, args = mlflow.MlflowClient(), args[0], args[1:]\n"+program, append([]string{ExperimentName(s.content.Object)}, args...)...)
}

// TestCarrier takes an experiment from its creation to its end, as an ordinary client
// sees it.
func TestCarrier(t *testing.T) {
	t.Parallel()
	s := newTrial(t, connect(t, server.URI(t)))
	_, err := s.client.Carrier(t.Context(), s.content.Object)
	s.wantCode("a look before", err, mlops.NotFound)
	made, err := s.client.Carry(t.Context(), s.content)
	s.must(err)
	_, err = s.client.Carry(t.Context(), s.content)
	s.wantCode("made again", err, mlops.AlreadyExists)
	if diff := cmp.Diff(s.content, s.carried()); diff != "" {
		t.Errorf("made (-want +got):\n%s", diff)
	}
	s.python(`client.set_experiment_tag(client.get_experiment_by_name(name).experiment_id, "theirs", "1")`)

	long := s.content
	long.Record, long.Description, long.Labels = note{strings.Repeat("ä", 3*maxTag)}, "", map[string]string{"team": "search"}
	now, err := s.client.Carrier(t.Context(), s.content.Object)
	s.must(err)
	_, err = s.client.Bring(t.Context(), now, long)
	s.must(err)
	if diff := cmp.Diff(long, s.carried()); diff != "" {
		t.Errorf("brought to another content (-want +got):\n%s", diff)
	}
	got := s.python(`
e = client.get_experiment_by_name(name)
out.update(id=e.experiment_id, note=e.tags["mlflow.note.content"], team=e.tags["team"], empty="empty" in e.tags, theirs=e.tags["theirs"])
`)
	if diff := cmp.Diff(map[string]any{"id": made.ID, "note": "", "team": "search", "empty": false, "theirs": "1"}, got); diff != "" {
		t.Errorf("an ordinary client sees (-want +got):\n%s", diff)
	}
	s.must(s.client.Discard(t.Context(), now))
	_, err = s.client.Carrier(t.Context(), s.content.Object)
	s.wantCode("a look after", err, mlops.NotFound)
	again, err := s.client.Carry(t.Context(), s.content)
	s.must(err)
	if again.ID == made.ID {
		t.Error("what was deleted has come back")
	}
}

// TestCarriers proves that those of one noun and one environment are listed, and that
// neither others are nor what is in the trash or was renamed.
func TestCarriers(t *testing.T) {
	t.Parallel()
	c := connect(t, server.URI(t))
	c.page = 2
	s := newTrial(t, c)
	environment := s.content.Object.Environment()
	var want []string
	for i := range 5 {
		of := s.content
		of.Object = environment.Child(mlops.NounExperiment, "e"+strconv.Itoa(i))
		_, err := c.Carry(t.Context(), of)
		s.must(err)
		want = append(want, string(of.Object))
	}
	dataset := s.content
	dataset.Object = environment.Child(mlops.NounDataset, "e0")
	_, err := c.Carry(t.Context(), dataset)
	s.must(err)
	s.python(`
client.delete_experiment(client.get_experiment_by_name(args[0] + "/e1").experiment_id)
client.rename_experiment(client.get_experiment_by_name(args[0] + "/e2").experiment_id, args[0] + "/renamed")
`, environment.Name())
	want = append(want[:1], want[3:]...)
	all, err := c.Carriers(t.Context(), environment, mlops.NounExperiment)
	s.must(err)
	got := map[string]bool{}
	for _, one := range all {
		got[string(one.Object)] = true
	}
	if len(all) != len(want) {
		t.Errorf("%v are listed, want %v", got, want)
	}
	for _, id := range want {
		if !got[id] {
			t.Errorf("%s is not listed", id)
		}
	}
}

// TestTrash proves that what somebody put into MLflow's trash is gone, that making it
// again takes it from there, with its runs, and that what is another's there is named.
func TestTrash(t *testing.T) {
	t.Parallel()
	s := newTrial(t, connect(t, server.URI(t)))
	made, err := s.client.Carry(t.Context(), s.content)
	s.must(err)
	s.python(`
e = client.get_experiment_by_name(name).experiment_id
client.create_run(e, run_name="kept")
client.delete_experiment(e)
`)
	_, err = s.client.Carrier(t.Context(), s.content.Object)
	s.wantCode("a look at what is in the trash", err, mlops.NotFound)
	want := s.content
	want.Owner, want.Record, want.Labels = "them", note{"second"}, map[string]string{"other": "label"}
	again, err := s.client.Carry(t.Context(), want)
	s.must(err)
	if diff := cmp.Diff(want, s.carried()); again.ID != made.ID || diff != "" {
		t.Errorf("%s became %s (-want +got):\n%s", made.ID, again.ID, diff)
	}
	if runs := s.python(`out["runs"] = [r.info.run_name for r in client.search_runs([client.get_experiment_by_name(name).experiment_id])]`); !cmp.Equal(runs, map[string]any{"runs": []any{"kept"}}) {
		t.Errorf("it came back with %v", runs)
	}

	other := newTrial(t, s.client)
	other.python(`client.delete_experiment(client.create_experiment(name))`)
	_, err = s.client.Carry(t.Context(), other.content)
	s.wantCode("a name that is in the trash", err, mlops.AlreadyExists)
	if !strings.Contains(err.Error(), "mlflow gc") {
		t.Errorf("%v says nothing of how to go on", err)
	}
}

// TestForeignExperiment proves that an experiment without a record is told apart, and
// that one whose record somebody damaged is an error.
func TestForeignExperiment(t *testing.T) {
	t.Parallel()
	s := newTrial(t, connect(t, server.URI(t)))
	s.python(`client.create_experiment(name, tags={"a": "b"})`)
	found, err := s.client.Carrier(t.Context(), s.content.Object)
	s.must(err)
	if found.Object != "" || found.Record != nil {
		t.Errorf("it is taken for %+v", found)
	}
	_, err = s.client.Carry(t.Context(), s.content)
	s.wantCode("making one of that name", err, mlops.AlreadyExists)
	s.python(`client.set_experiment_tag(client.get_experiment_by_name(name).experiment_id, "mlops.record", "{")`)
	_, err = s.client.Carrier(t.Context(), s.content.Object)
	s.wantCode("a damaged record", err, mlops.Failed)
}

// TestInterruptedCarrier proves that what was interrupted at any request is finished by
// the next try: one is made, and none is left by a removal.
func TestInterruptedCarrier(t *testing.T) {
	t.Parallel()
	paths := []string{"experiments/create", "experiments/update", "experiments/delete", "experiments/set-experiment-tag", "experiments/delete-experiment-tag"}
	cutAt(t, paths, func(s *stock, c *Client, arm func()) {
		tr := newTrial(s.T, c)
		old := tr.content
		old.Record, old.Labels = note{strings.Repeat("x", 2*maxTag)}, map[string]string{"old": "label"}
		arm()
		_, broken := tr.life(old)
		tr.wantCode("the interrupted try", broken, mlops.Unavailable)
		_, err := tr.life(old)
		tr.must(err)
		left := tr.python(`out["left"] = [e.name for e in client.search_experiments(filter_string="name LIKE '" + name + "%'")]`)
		if diff := cmp.Diff(map[string]any{"left": []any{}}, left); diff != "" {
			tr.Errorf("left are (-want +got):\n%s", diff)
		}
	})
}

// life makes a carrier, or finds it, changes and removes it.
func (s *trial) life(old Content) (Carrier, error) {
	made, err := s.client.Carry(s.Context(), old)
	if is(err, mlops.AlreadyExists) {
		made, err = s.client.Carrier(s.Context(), old.Object)
	}
	if err != nil {
		return made, err
	}
	if _, err = s.client.Bring(s.Context(), made, s.content); err != nil {
		return made, err
	}
	if diff := cmp.Diff(s.content, s.carried()); diff != "" {
		s.Errorf("brought to a content (-want +got):\n%s", diff)
	}
	if err := s.client.Discard(s.Context(), made); err != nil {
		return made, err
	}
	return made, s.client.Sweep(s.Context(), old.Object)
}
