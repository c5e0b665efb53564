package mlflow

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
)

const (
	experimentsPath = "/mlflow/experiments/"
	runsPath        = "/mlflow/runs/"
)

// experimentNamed finds an experiment, deleted or not.
func (c *Client) experimentNamed(ctx context.Context, name string) (experiment, error) {
	var out struct {
		Experiment experiment `json:"experiment"`
	}
	err := c.get(ctx, experimentsPath+"get-by-name", url.Values{"experiment_name": {name}}, &out)
	return out.Experiment, err
}

func (c *Client) createExperiment(ctx context.Context, name string, t tags) (id string, err error) {
	var out struct {
		ID string `json:"experiment_id"`
	}
	err = c.send(ctx, http.MethodPost, experimentsPath+"create", map[string]any{"name": name, "tags": t}, &out)
	return out.ID, err
}

func (c *Client) renameExperiment(ctx context.Context, id, name string) error {
	return c.send(ctx, http.MethodPost, experimentsPath+"update", map[string]any{"experiment_id": id, "new_name": name}, nil)
}

func (c *Client) deleteExperiment(ctx context.Context, id string) error {
	return c.send(ctx, http.MethodPost, experimentsPath+"delete", map[string]any{"experiment_id": id}, nil)
}

func (c *Client) restoreExperiment(ctx context.Context, id string) error {
	return c.send(ctx, http.MethodPost, experimentsPath+"restore", map[string]any{"experiment_id": id}, nil)
}

func (c *Client) createRun(ctx context.Context, experiment, name string, started int64, t tags) (run, error) {
	var out struct {
		Run run `json:"run"`
	}
	in := map[string]any{"experiment_id": experiment, "run_name": name, "start_time": started, "tags": t}
	err := c.send(ctx, http.MethodPost, runsPath+"create", in, &out)
	return out.Run, err
}

func (c *Client) finishRun(ctx context.Context, id string, ended int64) error {
	return c.send(ctx, http.MethodPost, runsPath+"update", map[string]any{"run_id": id, "status": stateFinished, "end_time": ended}, nil)
}

func (c *Client) logMetrics(ctx context.Context, id string, metrics []metric) error {
	return c.send(ctx, http.MethodPost, runsPath+"log-batch", map[string]any{"run_id": id, "metrics": metrics}, nil)
}

// deleteRun puts a run into MLflow's trash. Its artifacts stay: they are removed
// before.
func (c *Client) deleteRun(ctx context.Context, id string) error {
	return c.send(ctx, http.MethodPost, runsPath+"delete", map[string]any{"run_id": id}, nil)
}

// activeRuns lists the runs of experiments that are not in the trash.
func (c *Client) activeRuns(ctx context.Context, experiments ...string) (all []run, err error) {
	err = c.pages(ctx, func(token string) (string, error) {
		in := map[string]any{"experiment_ids": experiments, "run_view_type": "ACTIVE_ONLY", "max_results": cmp.Or(c.page, runsPage)}
		if token != "" {
			in["page_token"] = token
		}
		var out struct {
			Runs []run  `json:"runs"`
			Next string `json:"next_page_token"`
		}
		err := c.send(ctx, http.MethodPost, runsPath+"search", in, &out)
		all = append(all, out.Runs...)
		return out.Next, err
	})
	return all, err
}
