package client

import (
	"context"
	"net/http"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/api"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Monitors is the kind of monitors. The engine learns of the mail server, if one
// is known here, before it learns of a monitor that would use it.
type Monitors struct {
	Kind[mlops.MonitorSpec, mlops.MonitorStatus]
}

// Monitors is the kind of monitors.
func (c *Client) Monitors() Monitors {
	return Monitors{Kind[mlops.MonitorSpec, mlops.MonitorStatus]{c, mlops.NounMonitor}}
}

// Create starts the creation; see mlops.Kind.
func (m Monitors) Create(ctx context.Context, spec mlops.MonitorSpec) (mlops.Change, error) {
	if err := m.introduce(ctx, spec); err != nil {
		return mlops.Change{}, err
	}
	return m.Kind.Create(ctx, spec)
}

// Update starts a change; see mlops.Kind.
func (m Monitors) Update(ctx context.Context, ref mlops.ID, spec mlops.MonitorSpec) (mlops.Change, error) {
	if err := m.introduce(ctx, spec); err != nil {
		return mlops.Change{}, err
	}
	return m.Kind.Update(ctx, ref, spec)
}

// Check makes a check now and returns its report.
func (m Monitors) Check(ctx context.Context, ref mlops.ID) (report mlops.MonitorReport, err error) {
	if err := m.ready(ctx, ref); err != nil {
		return report, err
	}
	err = m.client.call(ctx, request{method: http.MethodPost, path: api.ChecksPath + "/" + string(ref)}, &report)
	return report, err
}

// introduce tells the engine of the mail server.
func (m Monitors) introduce(ctx context.Context, spec mlops.MonitorSpec) error {
	server := m.client.options.MailServer
	if server == "" || spec.Alerts == nil || len(spec.Alerts.Emails) == 0 {
		return nil
	}
	return m.client.call(ctx, request{method: http.MethodPut, path: api.MailServerPath, body: api.MailServer{URL: server}}, &struct{}{})
}
