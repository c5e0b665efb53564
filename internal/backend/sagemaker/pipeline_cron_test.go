package sagemaker

import (
	"strings"
	"testing"
)

func TestSchedulerCron(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, cron, want string
	}{
		{"every day", "0 3 * * *", "cron(0 3 * * ? *)"},
		{"every minute", "* * * * *", "cron(* * * * ? *)"},
		{"steps", "*/15 * * * *", "cron(0/15 * * * ? *)"},
		{"steps of one", "*/1 */1 */1 */1 */1", "cron(* * * * ? *)"},
		{"steps of days count from the first", "0 0 */7 * *", "cron(0 0 1/7 * ? *)"},
		{"steps of months count from January", "0 0 1 */3 *", "cron(0 0 1 1/3 ? *)"},
		{"steps within a range", "0 8-18/3 * * *", "cron(0 8,11,14,17 * * ? *)"},
		{"steps from a value on", "50/4 * * * *", "cron(50,54,58 * * * ? *)"},
		{"steps among others", "*/30,5 * * * *", "cron(0,5,30 * * * ? *)"},
		{"a range", "0 9-17 * * *", "cron(0 9-17 * * ? *)"},
		{"a list", "0,30 * * * *", "cron(0,30 * * * ? *)"},
		{"a day of the month", "0 0 1,15 * *", "cron(0 0 1,15 * ? *)"},
		{"months by name", "0 0 1 jan,Jul *", "cron(0 0 1 1,7 ? *)"},
		{"a day of the week", "0 0 * * 1", "cron(0 0 ? * MON *)"},
		{"Sunday is 0", "0 0 * * 0", "cron(0 0 ? * SUN *)"},
		{"Sunday is 7", "0 0 * * 7", "cron(0 0 ? * SUN *)"},
		{"working days", "0 0 * * 1-5", "cron(0 0 ? * MON,TUE,WED,THU,FRI *)"},
		{"working days by name", "0 0 * * mon-FRI", "cron(0 0 ? * MON,TUE,WED,THU,FRI *)"},
		{"a week's end that wraps", "0 0 * * 5-7", "cron(0 0 ? * SUN,FRI,SAT *)"},
		{"steps of a week", "0 0 * * */2", "cron(0 0 ? * SUN,TUE,THU,SAT *)"},
		{"all days of the week, told one by one", "0 0 1 * 0-6", "cron(0 0 1 * ? *)"},
		{"by name", "@daily", "cron(0 0 * * ? *)"},
		{"a question mark is all", "0 0 ? * 3", "cron(0 0 ? * WED *)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := schedulerCron(tt.cron)
			if err != nil || got != tt.want {
				t.Errorf("schedulerCron(%q) = %q, %v, want %q", tt.cron, got, err, tt.want)
			}
		})
	}
}

func TestSchedulerCronRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, cron, want string
	}{
		{"too few fields", "0 3 * *", "has 4 fields"},
		{"seconds", "0 0 3 * * *", "has 6 fields"},
		{"a word", "@sometimes", "has 1 fields"},
		{"both kinds of days", "0 0 13 * 5", "one of the two"},
		{"a minute too many", "60 * * * *", `"60" is no minute`},
		{"a day of nothing", "0 0 0 * *", `"0" is no day of the month`},
		{"a day of the week too many", "0 0 * * 8", `"8" is no day of the week`},
		{"no number", "x * * * *", `"x" is no minute`},
		{"a step of nothing", "*/0 * * * *", `"0" is no step`},
		{"backwards", "30-10 * * * *", "ends before it begins"},
		{"what only EventBridge has", "0 0 L * *", `"L" is no day of the month`},
		{"too long", "1-59/1 1-23/1 1-30/1 * *", "at most 256"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := schedulerCron(tt.cron)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("schedulerCron(%q) = %q, %v, want an error with %q", tt.cron, got, err, tt.want)
			}
		})
	}
}
