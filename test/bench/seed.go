package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/engine/store"
	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// seed makes endpoints from first to n in the store of an engine that does not
// run, each a copy of the sample.
func seed(ctx context.Context, l *lab, first, n int) (err error) {
	s, err := store.Open(ctx, l.engine.layout.Database())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	sample, err := s.Endpoints().Get(ctx, l.environment.Child(mlops.NounModelEndpoint, sampleName))
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *store.Tx) error {
		for i := first; i < n; i++ {
			member, err := renamed(sample, memberName(i))
			if err != nil {
				return err
			}
			if err := s.Endpoints().InsertTx(ctx, tx, member); err != nil {
				return err
			}
		}
		return nil
	})
}

type endpointRecord = store.Record[mlops.ModelEndpointSpec, mlops.ModelEndpointStatus]

// renamed returns the sample under another name.
func renamed(sample endpointRecord, name string) (endpointRecord, error) {
	out := sample
	for _, part := range []struct{ from, to any }{{sample.Spec, &out.Spec}, {sample.Status, &out.Status}, {sample.ID, &out.ID}} {
		text, err := json.Marshal(part.from)
		if err != nil {
			return out, err
		}
		if err := json.Unmarshal(bytes.ReplaceAll(text, []byte(sampleName), []byte(name)), part.to); err != nil {
			return out, err
		}
	}
	out.Revision = mlops.DigestOf(out.Spec)
	return out, nil
}
