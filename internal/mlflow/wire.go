package mlflow

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// lifecycle stages and states, as MLflow writes them.
const (
	stageDeleted  = "deleted"
	stateReady    = "READY"
	statePending  = "PENDING_REGISTRATION"
	stateFinished = "FINISHED"
)

// number is a whole number, which some servers write as text.
type number int64

// UnmarshalJSON reads a number or its digits.
func (n *number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	v, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*n = number(v)
	return err
}

// time is the time that a number of milliseconds is.
func (n number) time() time.Time { return time.UnixMilli(int64(n)).UTC() }

type keyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// tags are MLflow's list of tags as a map.
type tags map[string]string

// UnmarshalJSON reads a list.
func (t *tags) UnmarshalJSON(b []byte) error {
	var list []keyValue
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*t = make(tags, len(list))
	for _, kv := range list {
		(*t)[kv.Key] = kv.Value
	}
	return nil
}

// MarshalJSON writes a list.
func (t tags) MarshalJSON() ([]byte, error) {
	list := make([]keyValue, 0, len(t))
	for k, v := range t {
		list = append(list, keyValue{k, v})
	}
	return json.Marshal(list)
}

type registeredModel struct {
	Name        string `json:"name"`
	Created     number `json:"creation_timestamp"`
	Description string `json:"description"`
	Tags        tags   `json:"tags"`
	Aliases     []struct {
		Alias   string `json:"alias"`
		Version string `json:"version"`
	} `json:"aliases"`
}

// aliasesOf lists the aliases of one version.
func (m registeredModel) aliasesOf(version string) []string {
	var out []string
	for _, a := range m.Aliases {
		if a.Version == version {
			out = append(out, a.Alias)
		}
	}
	return out
}

type modelVersion struct {
	Name        string   `json:"name"`
	Version     string   `json:"version"`
	Created     number   `json:"creation_timestamp"`
	Description string   `json:"description"`
	Source      string   `json:"source"`
	RunID       string   `json:"run_id"`
	Status      string   `json:"status"`
	Message     string   `json:"status_message"`
	Tags        tags     `json:"tags"`
	Aliases     []string `json:"aliases"` // of a single look; a search leaves them out
}

type experiment struct {
	ID       string `json:"experiment_id"`
	Name     string `json:"name"`
	Stage    string `json:"lifecycle_stage"`
	Location string `json:"artifact_location"`
	Tags     tags   `json:"tags"`
}

type run struct {
	Info struct {
		ID         string `json:"run_id"`
		Experiment string `json:"experiment_id"`
		Artifacts  string `json:"artifact_uri"`
		Status     string `json:"status"`
		Ended      number `json:"end_time"`
	} `json:"info"`
	Data struct {
		Tags tags `json:"tags"`
	} `json:"data"`
}

type metric struct {
	Key       string  `json:"key"`
	Value     float64 `json:"value"`
	Timestamp int64   `json:"timestamp"`
}
