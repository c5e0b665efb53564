package sagemaker

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// hours of a schedule of Model Monitor, in cron's own words: all, one, or every
// so many from one on.
var (
	hourAlone = regexp.MustCompile(`^\d{1,2}$`)
	hourSteps = regexp.MustCompile(`^(?:\*|(\d{1,2})(?:-23)?)/(\d{1,2})$`)
)

// monitoringCron is a schedule as Model Monitor takes it: hourly, daily at an
// hour, or every so many hours from one on, in UTC. The error says what it
// cannot have. Source: the API's documentation of ScheduleConfig.
func monitoringCron(cron, timezone string) (string, error) {
	fields := strings.Fields(spelledCron(cron))
	if len(fields) != 5 {
		return "", fmt.Errorf("%q has %d fields, and cron has five", cron, len(fields))
	}
	if timezone != "" && timezone != "UTC" && timezone != "Etc/UTC" {
		return "", fmt.Errorf("its schedules are in UTC, not in %s", timezone)
	}
	if fields[0] != "0" || fields[2] != "*" || fields[3] != "*" || fields[4] != "*" {
		return "", fmt.Errorf("%q is neither hourly (0 * * * *), nor daily (0 3 * * *), nor every few hours (0 */6 * * *)", cron)
	}
	hour, err := monitoringHour(fields[1])
	if err != nil {
		return "", err
	}
	return "cron(0 " + hour + " ? * * *)", nil
}

func monitoringHour(field string) (string, error) {
	if field == "*" {
		return field, nil
	}
	if n, err := strconv.Atoi(field); err == nil && hourAlone.MatchString(field) && n < 24 {
		return strconv.Itoa(n), nil
	}
	m := hourSteps.FindStringSubmatch(field)
	if m == nil {
		return "", fmt.Errorf("the hours %q are neither all, nor one, nor every so many", field)
	}
	from, _ := strconv.Atoi(m[1]) // digits, or nothing
	every, _ := strconv.Atoi(m[2])
	if from > 23 || every < 1 || every > 23 {
		return "", fmt.Errorf("the hours %q are not hours of a day", field)
	}
	if every == 1 && from == 0 {
		return "*", nil
	}
	return fmt.Sprintf("%d/%d", from, every), nil
}
