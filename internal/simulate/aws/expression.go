package aws

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a machine may have no time zone database; AWS has
)

// expressionFields are the fields of cron( ) in order, with the rules of the
// EventBridge user guide ("Cron expressions") and the EventBridge Scheduler user
// guide ("Schedule types"): both have six.
func expressionFields() []cronField {
	months := strings.Split("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", " ")
	days := strings.Split("SUN MON TUE WED THU FRI SAT", " ")
	return []cronField{
		{least: 0, most: 59},
		{least: 0, most: 23},
		{least: 1, most: 31, special: regexp.MustCompile(`^(\?|L|LW|([1-9]|[12][0-9]|3[01])W)$`)},
		{least: 1, most: 12, names: months},
		{least: 1, most: 7, names: days, special: regexp.MustCompile(`^(\?|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)?L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#[1-5])$`)},
		{least: 1970, most: 2199},
	}
}

type cronField struct {
	least, most int
	names       []string // of the values from least on
	special     *regexp.Regexp
}

// validCron reports whether text between the brackets of cron( ) is valid.
func validCron(source string) bool {
	given := strings.Fields(strings.ToUpper(source))
	fields := expressionFields()
	if len(given) != len(fields) {
		return false
	}
	for i, f := range fields {
		if !f.valid(given[i]) {
			return false
		}
	}
	// One of the day of month and the day of week must be "?", and only one.
	return (given[2] == "?") != (given[4] == "?")
}

func (f cronField) valid(source string) bool {
	if f.special != nil && f.special.MatchString(source) {
		return true
	}
	for part := range strings.SplitSeq(source, ",") {
		if !f.validPart(part) {
			return false
		}
	}
	return true
}

// validPart knows a value, a range, "*", and a step of either.
func (f cronField) validPart(part string) bool {
	base, step, stepped := strings.Cut(part, "/")
	if stepped {
		if n, err := strconv.Atoi(step); err != nil || n < 1 || n > f.most {
			return false
		}
	}
	if base == "*" {
		return true
	}
	from, to, ranged := strings.Cut(base, "-")
	first, ok := f.value(from)
	if !ok || !ranged {
		return ok
	}
	last, ok := f.value(to)
	return ok && first <= last
}

func (f cronField) value(source string) (int, bool) {
	if i := slices.Index(f.names, source); i >= 0 {
		return f.least + i, true
	}
	n, err := strconv.Atoi(source)
	return n, err == nil && n >= f.least && n <= f.most
}

var rateWords = regexp.MustCompile(`^([1-9][0-9]*) (minutes?|hours?|days?)$`)

// validRate reports whether text between the brackets of rate( ) is valid: a
// positive number and a unit, which is singular for 1 and plural for others.
func validRate(source string) bool {
	m := rateWords.FindStringSubmatch(source)
	return m != nil && (m[1] == "1") != strings.HasSuffix(m[2], "s")
}

// validExpression reports whether a schedule expression is valid. Only
// EventBridge Scheduler knows at( ).
func validExpression(source string, at bool) bool {
	kind, rest, ok := strings.Cut(source, "(")
	inner, closed := strings.CutSuffix(rest, ")")
	if !ok || !closed {
		return false
	}
	switch kind {
	case "cron":
		return validCron(inner)
	case "rate":
		return validRate(inner)
	case "at":
		_, err := time.Parse("2006-01-02T15:04:05", inner)
		return at && err == nil
	}
	return false
}

// validZone reports whether a time zone is in the IANA database.
func validZone(name string) bool {
	_, err := time.LoadLocation(name)
	return err == nil && name != "" && name != "Local"
}
