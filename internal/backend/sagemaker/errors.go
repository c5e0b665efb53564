package sagemaker

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// Code sorts an error: our own, or an AWS one by its code. AWS answers some
// things that are not there by a ValidationException, which only its words tell
// from a real one.
func (b *backend) Code(err error) mlops.Code {
	if code := mlops.CodeOf(err); code != mlops.Unknown {
		return code
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return codeOfTransport(err)
	}
	code, words := api.ErrorCode(), api.ErrorMessage()
	for _, r := range errorCodes() {
		if slices.Contains(r.codes, code) && (r.words == "" || strings.Contains(strings.ToLower(words), r.words)) {
			return r.means
		}
	}
	return codeOfStatus(err)
}

// errorRule sorts AWS's codes, where words are in the message too.
type errorRule struct {
	codes []string
	words string // in lower case
	means mlops.Code
}

// errorCodes lists the rules; the first that fits counts. Sources: the services'
// published models, and AWS's own controllers for what ValidationException means.
func errorCodes() []errorRule {
	validation := []string{"ValidationException", "ValidationError"}
	return []errorRule{
		{validation, "could not find", mlops.NotFound},
		{validation, "does not exist", mlops.NotFound},
		{validation, "cannot find", mlops.NotFound},
		{validation, "no scalable target found", mlops.NotFound},
		{validation, "already exist", mlops.AlreadyExists},
		{[]string{"InvalidParameter"}, "already exists with different", mlops.AlreadyExists}, // SNS, of a topic
		{validation, "cannot update in-progress", mlops.Conflict},
		{validation, "in-progress", mlops.Conflict},
		{validation, "throttl", mlops.Unavailable},
		{[]string{
			"ResourceNotFound", "ResourceNotFoundException", "NoSuchEntity", "NoSuchEntityException", "NoSuchBucket", "NoSuchKey", "NotFound", "NotFoundException",
			"ParameterNotFound", "ObjectNotFoundException", "NoSuchLifecycleConfiguration", "NoSuchTagSet", "NoSuchBucketPolicy", "NoSuchVersion",
			"RepositoryNotFoundException", "ImageNotFoundException",
		}, "", mlops.NotFound},
		{[]string{
			"EntityAlreadyExists", "EntityAlreadyExistsException", "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "ParameterAlreadyExists",
			"ResourceAlreadyExistsException", "DuplicateRecordException",
		}, "", mlops.AlreadyExists},
		{[]string{"ResourceInUse", "ConflictException", "DeleteConflict", "DeleteConflictException", "BucketNotEmpty", "OperationAborted", "ConcurrentModificationException", "ConcurrentUpdateException", "TooManyUpdates"}, "", mlops.Conflict},
		{[]string{"ResourceLimitExceeded", "LimitExceeded", "LimitExceededException", "ServiceQuotaExceededException", "TooManyBuckets", "ParameterLimitExceeded", "CreationLimitExceededException"}, "", mlops.QuotaExceeded},
		{[]string{"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "AuthorizationErrorException", "KMSAccessDeniedException"}, "", mlops.PermissionDenied},
		{[]string{"UnrecognizedClientException", "InvalidClientTokenId", "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "SignatureDoesNotMatch", "MissingAuthenticationToken", "RequestExpired", "IncompleteSignature"}, "", mlops.Unauthenticated},
		{[]string{"Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown", "ServiceUnavailable", "ServiceUnavailableException", "InternalFailure", "InternalServerError", "InternalServerException", "InternalError", "RequestTimeout", "InternalDependencyException", "ModelNotReadyException"}, "", mlops.Unavailable},
		{[]string{"ModelError"}, "", mlops.Failed},
		{append(validation, "InvalidParameter", "InvalidParameterException", "InvalidParameterValue", "InvalidInput", "InvalidInputException", "MalformedPolicyDocument", "MalformedPolicyDocumentException", "InvalidArgument", "InvalidBucketName", "InvalidRequest", "ParameterMaxVersionLimitExceeded", "UnsupportedParameterType"), "", mlops.Invalid},
	}
}

// codeOfStatus sorts an answer whose code says nothing.
func codeOfStatus(err error) mlops.Code {
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok {
		return mlops.Unknown
	}
	switch status := answer.HTTPStatusCode(); {
	case status == http.StatusNotFound:
		return mlops.NotFound
	case status == http.StatusForbidden:
		return mlops.PermissionDenied
	case status == http.StatusConflict:
		return mlops.Conflict
	case status == http.StatusTooManyRequests, status >= http.StatusInternalServerError:
		return mlops.Unavailable
	case status >= http.StatusBadRequest:
		return mlops.Invalid
	}
	return mlops.Unknown
}

// codeOfTransport sorts what never got an answer.
func codeOfTransport(err error) mlops.Code {
	switch {
	case errors.Is(err, context.Canceled):
		return mlops.Unknown
	case strings.Contains(err.Error(), "failed to retrieve credentials"), strings.Contains(err.Error(), "get credentials"):
		return mlops.Unauthenticated
	}
	if _, ok := errors.AsType[*smithy.OperationError](err); ok {
		return mlops.Unavailable
	}
	return mlops.Unknown
}

// is reports whether an error has a code.
func (b *backend) is(err error, code mlops.Code) bool { return err != nil && b.Code(err) == code }

// invalid refuses what can never succeed.
func invalid(err error) error { return mlops.NewError(mlops.Invalid, err) }
