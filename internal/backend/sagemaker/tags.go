package sagemaker

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
)

// sagemakerTags are tags as SageMaker takes them, in a stable order.
func sagemakerTags(tags map[string]string) []types.Tag {
	out := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}

// tagMap is the reverse of sagemakerTags.
func tagMap(tags []types.Tag) map[string]string {
	out := make(map[string]string, len(tags))
	for _, t := range tags {
		out[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return out
}

// isRecordPiece tells a piece of the record from other tags.
func isRecordPiece(key string) bool { return strings.HasPrefix(key, tagRecord) }

// withoutRecord leaves the pieces of the record out, for objects that only belong
// to the one that carries it.
func withoutRecord(tags map[string]string) map[string]string {
	out := maps.Clone(tags)
	maps.DeleteFunc(out, func(key, _ string) bool { return isRecordPiece(key) })
	return out
}

// optional is a member that is left out where it is empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
