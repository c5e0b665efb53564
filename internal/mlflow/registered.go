package mlflow

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// How much one page holds.
const (
	modelsPage   = 500
	versionsPage = 500
	runsPage     = 1000
)

const (
	modelsPath   = "/mlflow/registered-models/"
	versionsPath = "/mlflow/model-versions/"
)

func (c *Client) registeredModel(ctx context.Context, name string) (registeredModel, error) {
	var out struct {
		Model registeredModel `json:"registered_model"`
	}
	err := c.get(ctx, modelsPath+"get", url.Values{"name": {name}}, &out)
	return out.Model, err
}

func (c *Client) createRegisteredModel(ctx context.Context, m registeredModel) (registeredModel, error) {
	var out struct {
		Model registeredModel `json:"registered_model"`
	}
	in := map[string]any{"name": m.Name, "description": m.Description, "tags": m.Tags}
	err := c.send(ctx, http.MethodPost, modelsPath+"create", in, &out)
	return out.Model, err
}

func (c *Client) describeRegisteredModel(ctx context.Context, name, description string) error {
	return c.send(ctx, http.MethodPatch, modelsPath+"update", map[string]any{"name": name, "description": description}, nil)
}

func (c *Client) deleteRegisteredModel(ctx context.Context, name string) error {
	return c.send(ctx, http.MethodDelete, modelsPath+"delete", map[string]any{"name": name}, nil)
}

func (c *Client) searchRegisteredModels(ctx context.Context, filter string) (all []registeredModel, err error) {
	err = c.pages(ctx, func(token string) (string, error) {
		var out struct {
			Models []registeredModel `json:"registered_models"`
			Next   string            `json:"next_page_token"`
		}
		err := c.get(ctx, modelsPath+"search", c.search(filter, modelsPage, token), &out)
		all = append(all, out.Models...)
		return out.Next, err
	})
	return all, err
}

// search asks for a page of what a filter finds.
func (c *Client) search(filter string, size int, token string) url.Values {
	q := url.Values{"filter": {filter}, "max_results": {strconv.Itoa(cmp.Or(c.page, size))}}
	if token != "" {
		q.Set("page_token", token)
	}
	return q
}

func (c *Client) tagRegisteredModel(ctx context.Context, name, key, value string) error {
	return c.send(ctx, http.MethodPost, modelsPath+"set-tag", map[string]any{"name": name, "key": key, "value": value}, nil)
}

func (c *Client) untagRegisteredModel(ctx context.Context, name, key string) error {
	return c.send(ctx, http.MethodDelete, modelsPath+"delete-tag", map[string]any{"name": name, "key": key}, nil)
}

// setAlias moves an alias to a version from the one that had it.
func (c *Client) setAlias(ctx context.Context, name, alias, version string) error {
	return c.send(ctx, http.MethodPost, modelsPath+"alias", map[string]any{"name": name, "alias": alias, "version": version}, nil)
}

func (c *Client) deleteAlias(ctx context.Context, name, alias string) error {
	return c.send(ctx, http.MethodDelete, modelsPath+"alias", map[string]any{"name": name, "alias": alias}, nil)
}

func (c *Client) modelVersion(ctx context.Context, name, version string) (modelVersion, error) {
	var out struct {
		Version modelVersion `json:"model_version"`
	}
	err := c.get(ctx, versionsPath+"get", url.Values{"name": {name}, "version": {version}}, &out)
	return out.Version, err
}

func (c *Client) createModelVersion(ctx context.Context, v modelVersion) (modelVersion, error) {
	var out struct {
		Version modelVersion `json:"model_version"`
	}
	in := map[string]any{"name": v.Name, "source": v.Source, "run_id": v.RunID, "description": v.Description, "tags": v.Tags}
	err := c.send(ctx, http.MethodPost, versionsPath+"create", in, &out)
	return out.Version, err
}

func (c *Client) describeModelVersion(ctx context.Context, name, version, description string) error {
	in := map[string]any{"name": name, "version": version, "description": description}
	return c.send(ctx, http.MethodPatch, versionsPath+"update", in, nil)
}

func (c *Client) deleteModelVersion(ctx context.Context, name, version string) error {
	return c.send(ctx, http.MethodDelete, versionsPath+"delete", map[string]any{"name": name, "version": version}, nil)
}

func (c *Client) searchModelVersions(ctx context.Context, filter string) (all []modelVersion, err error) {
	err = c.eachModelVersion(ctx, filter, func(v modelVersion) error { all = append(all, v); return nil })
	return all, err
}

// eachModelVersion calls take with every version that a filter finds, page by page: with
// its tags, a version is several times as large as what is made of it.
func (c *Client) eachModelVersion(ctx context.Context, filter string, take func(modelVersion) error) error {
	return c.pages(ctx, func(token string) (string, error) {
		var out struct {
			Versions []modelVersion `json:"model_versions"`
			Next     string         `json:"next_page_token"`
		}
		if err := c.get(ctx, versionsPath+"search", c.search(filter, versionsPage, token), &out); err != nil {
			return "", err
		}
		for _, v := range out.Versions {
			if err := take(v); err != nil {
				return "", err
			}
		}
		return out.Next, nil
	})
}

func (c *Client) tagModelVersion(ctx context.Context, name, version, key, value string) error {
	in := map[string]any{"name": name, "version": version, "key": key, "value": value}
	return c.send(ctx, http.MethodPost, versionsPath+"set-tag", in, nil)
}

func (c *Client) untagModelVersion(ctx context.Context, name, version, key string) error {
	in := map[string]any{"name": name, "version": version, "key": key}
	return c.send(ctx, http.MethodDelete, versionsPath+"delete-tag", in, nil)
}
