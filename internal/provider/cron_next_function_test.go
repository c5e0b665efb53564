package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func TestCronNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name          string
		cron, zone    any // nil is null
		after         string
		want, refusal string
		at            int64
	}{
		{"in UTC", "0 3 * * *", nil, "2026-01-31T03:00:00Z", "2026-02-01T03:00:00Z", "", 0},
		{"in a zone", "0 3 * * *", "Australia/Sydney", "2026-01-31T00:00:00Z", "2026-02-01T03:00:00+11:00", "", 0},
		{"after a time of another zone", "30 8 * * 1", "Europe/Berlin", "2026-06-01T23:00:00-07:00", "2026-06-08T08:30:00+02:00", "", 0},
		{"a time that the clocks skip", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T03:30:00+02:00", "", 0},
		{"no cron", "at night", nil, "2026-01-31T00:00:00Z", "", "not a cron expression", 0},
		{"never", "0 0 31 2 *", nil, "2026-01-31T00:00:00Z", "", "never fires", 0},
		{"no zone", "0 3 * * *", "Sydney", "2026-01-31T00:00:00Z", "", "no IANA time zone", 1},
		{"no time", "0 3 * * *", nil, "tomorrow", "", "RFC 3339", 2},
	}
	server := NewServer("test", testFactories())
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			resp, err := server.CallFunction(t.Context(), &tfprotov6.CallFunctionRequest{Name: "cron_next", Arguments: []*tfprotov6.DynamicValue{
				encoded(t, tftypes.NewValue(tftypes.String, tt.cron)), encoded(t, tftypes.NewValue(tftypes.String, tt.zone)), encoded(t, tftypes.NewValue(tftypes.String, tt.after)),
			}})
			if err != nil {
				t.Fatal(err)
			}
			if tt.refusal != "" {
				if resp.Error == nil || !strings.Contains(resp.Error.Text, tt.refusal) || *resp.Error.FunctionArgument != tt.at {
					t.Errorf("error is %+v, want %q of argument %d", resp.Error, tt.refusal, tt.at)
				}
				return
			}
			if resp.Error != nil {
				t.Fatal(resp.Error.Text)
			}
			got, err := resp.Result.Unmarshal(tftypes.String)
			if err != nil || textOf(got) != tt.want {
				t.Errorf("got %s, %v, want %q", got, err, tt.want)
			}
		})
	}
}
