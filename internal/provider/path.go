package provider

import (
	"strconv"
	"strings"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// parsePath reads what mlops.Path.String writes: steps["train"].outputs[0].
// Text that is no path gives what could be read of it.
func parsePath(text string) mlops.Path {
	var p mlops.Path
	for text != "" {
		part, rest, ok := firstPart(text)
		if !ok {
			return p
		}
		p, text = append(p, part), rest
	}
	return p
}

// firstPart cuts the first part off a path.
func firstPart(text string) (part any, rest string, ok bool) {
	index, bracketed := strings.CutPrefix(text, "[")
	if !bracketed {
		text = strings.TrimPrefix(text, ".")
		end := strings.IndexAny(text, ".[")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], end > 0
	}
	if quoted, err := strconv.QuotedPrefix(index); err == nil {
		key, err := strconv.Unquote(quoted)
		rest, closed := strings.CutPrefix(index[len(quoted):], "]")
		return mlops.Key(key), rest, closed && err == nil
	}
	digits, rest, closed := strings.Cut(index, "]")
	i, err := strconv.Atoi(digits)
	return i, rest, closed && err == nil
}
