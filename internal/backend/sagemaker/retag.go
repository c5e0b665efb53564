package sagemaker

import (
	"context"
	"strings"
)

// tagger changes the tags of one object.
type tagger struct {
	write  func(ctx context.Context, tags map[string]string) error
	remove func(ctx context.Context, keys []string) error
}

// retag brings an object's tags to what they should be. An interruption leaves a
// record that can be read, and too many tags rather than too few; but where old and
// fresh ones together are more than AWS allows, labels make room for the record
// first, and come back last.
func (t tagger) retag(ctx context.Context, old, fresh map[string]string) error {
	gone := stale(old, fresh)
	if len(fresh)+len(gone) <= maxTags {
		return t.replace(ctx, fresh, gone)
	}
	var labels, pieces []string
	for _, key := range gone {
		if strings.HasPrefix(key, tagPrefix) {
			pieces = append(pieces, key)
		} else {
			labels = append(labels, key)
		}
	}
	if err := t.replace(ctx, nil, labels); err != nil {
		return err
	}
	if err := t.replace(ctx, ours(fresh), pieces); err != nil {
		return err
	}
	return t.replace(ctx, fresh, nil)
}

// replace writes tags, and then removes others.
func (t tagger) replace(ctx context.Context, fresh map[string]string, gone []string) error {
	if len(fresh) > 0 {
		if err := t.write(ctx, fresh); err != nil {
			return err
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return t.remove(ctx, gone)
}
