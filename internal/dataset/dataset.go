package dataset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/table"
)

// Describe reads a table whole and holds it to the rules of a spec. Of the status it
// fills in what is in the data: their digest, place, version and evidence are the
// caller's. A file that is no table is Invalid, by the name of an attribute; data that
// break rules, and are not to be taken in, are Failed.
func Describe(ctx context.Context, spec mlops.DatasetSpec, file, field string) (mlops.DatasetStatus, error) {
	found, err := table.Describe(ctx, file, table.FormatOf(spec, spec.URI), spec.Schema, spec.Checks)
	if mlops.CodeOf(err) == mlops.Invalid {
		return mlops.DatasetStatus{}, mlops.InvalidField(field, "the data cannot be read: %s", mlops.Message(err))
	}
	if err != nil {
		return mlops.DatasetStatus{}, err
	}
	if broken := table.Refuse(spec, found); broken != "" {
		return mlops.DatasetStatus{}, mlops.NewError(mlops.Failed, fmt.Errorf("the data break the rules, and are not taken in: %s", broken))
	}
	s := mlops.DatasetStatus{
		Rows: found.Rows, Schema: map[string]string{}, Statistics: found.Statistics, Violations: append([]string{}, found.Checks...),
	}
	for _, c := range found.Columns {
		s.Schema[c.Name] = found.Statistics[c.Name].Type
	}
	return s, nil
}

// Succeed puts a new state of the data in the place of a former one. The same bytes are
// the same version, also where others were in force in between.
func Succeed(former, next mlops.DatasetStatus) mlops.DatasetStatus {
	next.History = former.History
	for _, v := range former.History {
		if v.Digest == next.Digest {
			next.Version = v.Version
			return next
		}
	}
	next.Version = strconv.Itoa(len(former.History) + 1)
	now := mlops.DatasetVersion{Version: next.Version, Digest: next.Digest, Rows: next.Rows, CreatedAt: time.Now().UTC()}
	next.History = append([]mlops.DatasetVersion{now}, former.History...)
	return next
}

// SameRules reports whether two specs read the same bytes alike, and hold them to the
// same rules.
func SameRules(a, b mlops.DatasetSpec) bool {
	rules := func(s mlops.DatasetSpec) string {
		return mlops.DigestOf([]any{table.FormatOf(s, s.URI), s.Schema, s.Checks})
	}
	return rules(a) == rules(b)
}

// preflightMost is the size up to which data are read at plan, in bytes.
const preflightMost = 256 << 20

// Preflight holds a file of this machine to its rules at plan. Large ones are left to the
// apply, and so are those that are still to be made.
func Preflight(ctx context.Context, spec mlops.DatasetSpec, file string, c *mlops.Checker) error {
	at := mlops.At("uri")
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (info.Size() > preflightMost || info.IsDir()) {
		return nil
	}
	if err != nil {
		return err
	}
	found, err := table.Describe(ctx, file, table.FormatOf(spec, spec.URI), spec.Schema, spec.Checks)
	if mlops.CodeOf(err) == mlops.Invalid {
		c.Add(at, "Not a table", "%s: %s.", filepath.Base(file), mlops.Message(err))
		return nil
	}
	if err != nil {
		return err
	}
	if broken := table.Refuse(spec, found); broken != "" {
		c.Add(at, "Data that break the rules", "%s: %s.", filepath.Base(file), broken)
	}
	return nil
}

// FileName is a name for the file of a dataset, by which whoever reads it knows its form.
func FileName(spec mlops.DatasetSpec, file string) string {
	name := spec.Name + "." + table.FormatOf(spec, spec.URI)
	if strings.HasSuffix(file, ".gz") {
		name += ".gz"
	}
	return name
}
