package sagemaker

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// makeEndpointParts makes the models and the configuration of a plan. What is there
// already has the same content, for it has the same name.
func (k modelEndpointKind) makeEndpointParts(ctx context.Context, s scene, p endpointPlan) error {
	for _, a := range p.archives {
		if err := k.makeArchive(ctx, s, a); err != nil {
			return err
		}
	}
	for i, m := range p.models {
		_, err := s.c.sagemaker.CreateModel(ctx, m)
		if k.is(err, mlops.Invalid) && !strings.Contains(err.Error(), "role") { // the role is the environment's
			variant := aws.ToString(p.config.ProductionVariants[i].VariantName)
			return &mlops.Error{Code: mlops.Invalid, Field: mlops.At("variants", mlops.Key(variant), "version").String(), Err: err}
		}
		if err != nil && !k.is(err, mlops.AlreadyExists) {
			return err
		}
	}
	if p.config == nil {
		return nil
	}
	for _, c := range []*sagemaker.CreateEndpointConfigInput{p.config, p.shadow} {
		if c == nil {
			continue
		}
		if err := k.makeEndpointConfig(ctx, s, c, p.tags); err != nil {
			return err
		}
	}
	return nil
}

func (k modelEndpointKind) makeEndpointConfig(ctx context.Context, s scene, c *sagemaker.CreateEndpointConfigInput, tags map[string]string) error {
	_, err := s.c.sagemaker.CreateEndpointConfig(ctx, c)
	if !k.is(err, mlops.AlreadyExists) {
		return k.notYetVisible(err)
	}
	return k.retag(ctx, s, "endpoint-config/"+*c.EndpointConfigName, tags, []string{tagEndpointNext})
}

// notYetVisible makes an error passing that says of what was just made that it is
// not there.
func (k modelEndpointKind) notYetVisible(err error) error {
	if k.is(err, mlops.NotFound) {
		return mlops.NewError(mlops.Unavailable, err)
	}
	return err
}

// retag adds tags to one of SageMaker's resources and removes others.
func (k modelEndpointKind) retag(ctx context.Context, s scene, resource string, tags map[string]string, gone []string) error {
	arn := s.sibling(resource)
	if len(tags) > 0 {
		if _, err := s.c.sagemaker.AddTags(ctx, &sagemaker.AddTagsInput{ResourceArn: &arn, Tags: sagemakerTags(tags)}); err != nil {
			return err
		}
	}
	if len(gone) == 0 {
		return nil
	}
	_, err := s.c.sagemaker.DeleteTags(ctx, &sagemaker.DeleteTagsInput{ResourceArn: &arn, TagKeys: gone})
	return err
}

// atMachine says of an error that names a machine type, such as that of a quota,
// which variant asked for it.
func (k modelEndpointKind) atMachine(err error, form endpointForm) error {
	code := mlops.QuotaExceeded
	if !k.is(err, code) {
		return err
	}
	for _, variant := range slices.Sorted(maps.Keys(form.Types)) {
		if strings.Contains(err.Error(), form.Types[variant]) {
			return &mlops.Error{Code: code, Field: mlops.At("variants", mlops.Key(variant), "compute").String(), Err: err}
		}
	}
	return err
}

// mark writes how far a change has come.
func (k modelEndpointKind) mark(ctx context.Context, s scene, tags map[string]string) error {
	return k.retag(ctx, s, "endpoint/"+s.name, tags, nil)
}

// createEndpoint makes the endpoint itself. One that another made meanwhile, of the
// same owner and with the same spec, will do.
func (k modelEndpointKind) createEndpoint(ctx context.Context, s scene, p endpointPlan, old endpointState) error {
	if old.tags[tagEndpointNext] == nextRemake {
		return nil // the step that is due makes it
	}
	return k.atMachine(k.createFrom(ctx, s, p.form.Config, p.form.Revision, p.tags), p.form)
}

func (k modelEndpointKind) createFrom(ctx context.Context, s scene, config, revision string, tags map[string]string) error {
	tags = maps.Clone(tags)
	delete(tags, tagEndpointNext)
	tags[tagEndpointBegun] = revision
	_, err := s.c.sagemaker.CreateEndpoint(ctx, &sagemaker.CreateEndpointInput{
		EndpointName: &s.name, EndpointConfigName: &config, Tags: sagemakerTags(tags),
	})
	if !k.is(err, mlops.AlreadyExists) {
		return k.notYetVisible(err)
	}
	found, readErr := k.look(ctx, s)
	switch {
	case readErr != nil:
		return errors.Join(err, readErr)
	case found.record.Owner == k.options.Owner && found.record.Revision == revision:
		return nil
	case found.record.Owner == k.options.Owner:
		return mlops.NewError(mlops.Conflict, err)
	}
	return err
}

// writeEndpoint writes what is asked for to the endpoint's tags, all at once, and
// returns the state that it is then in. Labels that are gone are removed after.
func (k modelEndpointKind) writeEndpoint(ctx context.Context, s scene, old endpointState, p endpointPlan) (endpointState, error) {
	tags := maps.Clone(p.tags)
	tags[tagEndpointBegun], tags[tagEndpointFailure] = "", ""
	if p.tagsAlone {
		_, since := old.done()
		tags[tagEndpointBegun], tags[tagEndpointDone] = p.form.Revision, doneMark(p.form.Revision, since)
	}
	var gone []string
	for _, key := range stale(old.tags, tags) {
		if !isRecordPiece(key) && !isEndpointMark(key) {
			gone = append(gone, key)
		}
	}
	if err := k.retag(ctx, s, "endpoint/"+s.name, tags, gone); err != nil {
		return old, err
	}
	facts := old.endpointFacts
	facts.tags = maps.Clone(old.tags)
	maps.Copy(facts.tags, tags)
	fresh, err := readEndpoint(facts)
	fresh.strange = old.strange
	return fresh, err
}

// isEndpointMark tells the tags that say how far a change has come.
func isEndpointMark(key string) bool {
	switch key {
	case tagEndpointBegun, tagEndpointDone, tagEndpointPassed, tagEndpointFailure, tagEndpointNext:
		return true
	}
	return false
}

// giveUp notes why what is asked for will not come to be.
func (k modelEndpointKind) giveUp(ctx context.Context, s scene, state endpointState, words string, more map[string]string) error {
	failure, err := failureMark(state.asked.Revision, words)
	if err != nil {
		return err
	}
	tags := map[string]string{tagEndpointFailure: failure, tagEndpointBegun: state.asked.Revision}
	maps.Copy(tags, more)
	return k.mark(ctx, s, tags)
}

// endpointNow is the time that goes into marks.
func endpointNow() time.Time { return time.Now().UTC().Truncate(time.Second) }
