package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/schedule"
)

// cronNext is the function cron_next: when a schedule fires next.
type cronNext struct{}

func newCronNext() function.Function { return cronNext{} }

// Metadata implements function.Function.
func (cronNext) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "cron_next"
}

// Definition implements function.Function.
func (cronNext) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Tells when a schedule fires next",
		MarkdownDescription: "Returns the first time after another at which a schedule fires, in RFC 3339 form and with the time zone's offset at that time. " +
			"It counts as `schedule` of pipelines, endpoints and monitors does: a time that the clocks skip in spring fires an hour later, and one that they show twice in autumn fires once.",
		Parameters: []function.Parameter{
			function.StringParameter{Name: "cron", MarkdownDescription: "The schedule. Five fields: minute, hour, day of month, month, day of week."},
			function.StringParameter{Name: "timezone", MarkdownDescription: "IANA name of the time zone that the fields are meant in, such as `Australia/Sydney`. Null is UTC.", AllowNullValue: true},
			function.StringParameter{Name: "after", MarkdownDescription: "The time to count from, in RFC 3339 form, such as `plantimestamp()`."},
		},
		Return: function.StringReturn{},
	}
}

// Run implements function.Function.
func (cronNext) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var (
		cron, after string
		timezone    *string
	)
	if resp.Error = req.Arguments.Get(ctx, &cron, &timezone, &after); resp.Error != nil {
		return
	}
	if _, err := schedule.Parse(mlops.Schedule{Cron: cron}); err != nil {
		resp.Error = function.NewArgumentFuncError(0, err.Error())
		return
	}
	parsed, err := schedule.Parse(mlops.Schedule{Cron: cron, Timezone: valueOf(timezone)})
	if err != nil {
		resp.Error = function.NewArgumentFuncError(1, err.Error())
		return
	}
	from, err := time.Parse(time.RFC3339, after)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(2, "\""+after+"\" is no time in RFC 3339 form, such as \"2026-01-31T03:00:00Z\"")
		return
	}
	resp.Error = resp.Result.Set(ctx, parsed.Next(from).Format(time.RFC3339))
}
