package aws

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// snsState is what the service keeps.
type snsState struct {
	topics map[string]*snsTopic // by ARN
	made   int
}

type snsTopic struct {
	arn, name     string
	attributes    map[string]string // those that were set
	tags          tagSet
	subscriptions []*snsSubscription // in the order they were made
}

type snsSubscription struct {
	arn, protocol, endpoint string
	attributes              map[string]string
	confirmed               bool
}

// sns returns the service's state, made at its first use.
func (w *World) sns() *snsState {
	if w.topics == nil {
		w.topics = &snsState{topics: map[string]*snsTopic{}}
	}
	return w.topics
}

func (w *World) snsHandlers() map[string]Handler {
	all := tagging{
		arn: "ResourceArn", tags: "Tags", keys: "TagKeys", invalid: "InvalidParameter", many: "TagLimitExceeded", find: w.snsTags,
	}.handlers()
	maps.Copy(all, map[string]Handler{
		"CreateTopic": w.snsCreate, "DeleteTopic": w.snsDelete, "ListTopics": w.snsList,
		"GetTopicAttributes": w.onTopic(snsGet), "SetTopicAttributes": w.onTopic(snsSet),
		"Subscribe": w.onTopic(w.snsSubscribe), "Unsubscribe": w.snsUnsubscribe,
		"GetSubscriptionAttributes": w.snsSubscriptionAttributes,
		"ListSubscriptionsByTopic":  w.onTopic(snsListSubscriptions),
	})
	return all
}

// snsList lists the region's topics.
func (w *World) snsList(c *Call) (Params, error) {
	arns := slices.DeleteFunc(slices.Sorted(maps.Keys(w.sns().topics)), func(arn string) bool { return arnRegion(arn) != c.Region })
	page, next, ok := pageOf(arns, text(c.In, "NextToken"), snsPage)
	if !ok {
		return nil, snsInvalid("NextToken")
	}
	shown := []any{}
	for _, arn := range page {
		shown = append(shown, Params{"TopicArn": arn})
	}
	out := Params{"Topics": shown}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

// snsInvalid is how the service refuses a parameter.
func snsInvalid(format string, args ...any) *Fault {
	return fault("InvalidParameter", "Invalid parameter: "+format, args...)
}

// snsMissing is how the service says that there is no such thing.
func snsMissing(code, words string) *Fault {
	return &Fault{Code: code, Message: words, Status: http.StatusNotFound}
}

// onTopic finds the topic that a request names.
func (w *World) onTopic(do func(*Call, *snsTopic) (Params, error)) Handler {
	return func(c *Call) (Params, error) {
		arn := text(c.In, "TopicArn")
		if arnPart(arn, 2) != "sns" {
			return nil, snsInvalid("TopicArn")
		}
		t := w.sns().topics[arn]
		if t == nil || arnRegion(arn) != c.Region {
			return nil, snsMissing("NotFound", "Topic does not exist")
		}
		return do(c, t)
	}
}

func (w *World) snsTags(_ *Call, arn string) (tagSet, error) {
	if t := w.sns().topics[arn]; t != nil {
		return t.tags, nil
	}
	return nil, snsMissing("ResourceNotFound", "Resource does not exist")
}

var snsName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// snsAttributes are the attributes that CreateTopic and SetTopicAttributes take
// (API reference).
func snsAttributes() []string {
	return []string{
		"DeliveryPolicy", "DisplayName", "Policy", "SignatureVersion", "TracingConfig", "KmsMasterKeyId", "FifoTopic",
		"ContentBasedDeduplication", "ArchivePolicy", "FifoThroughputScope",
		"HTTPSuccessFeedbackRoleArn", "HTTPSuccessFeedbackSampleRate", "HTTPFailureFeedbackRoleArn",
		"SQSSuccessFeedbackRoleArn", "SQSSuccessFeedbackSampleRate", "SQSFailureFeedbackRoleArn",
		"LambdaSuccessFeedbackRoleArn", "LambdaSuccessFeedbackSampleRate", "LambdaFailureFeedbackRoleArn",
	}
}

// snsCreate makes a topic, or returns the one that is there if the request says
// nothing else of it (API reference, CreateTopic).
func (w *World) snsCreate(c *Call) (Params, error) {
	name := text(c.In, "Name")
	attributes, tags := map[string]string(tagMapIn(c.In, "Attributes")), tagsIn(c.In, "Tags")
	if base, fifo := strings.CutSuffix(name, ".fifo"); !snsName.MatchString(base) || fifo != (attributes["FifoTopic"] == "true") {
		return nil, snsInvalid("Topic Name")
	}
	for key, value := range attributes {
		if err := snsAttributeFault(key, value); err != nil {
			return nil, err
		}
	}
	if err := (tagging{tags: "Tags", invalid: "InvalidParameter", many: "TagLimitExceeded"}).check(c.In, nil); err != nil {
		return nil, err
	}
	arn := c.arn("sns", name)
	if old := w.sns().topics[arn]; old != nil {
		return old.same(attributes, tags)
	}
	w.sns().topics[arn] = &snsTopic{arn: arn, name: name, attributes: attributes, tags: tags}
	return Params{"TopicArn": arn}, nil
}

// same answers a second creation.
func (t *snsTopic) same(attributes map[string]string, tags tagSet) (Params, error) {
	for key, value := range attributes {
		if t.attributes[key] != value {
			return nil, snsInvalid("Attributes Reason: Topic already exists with different attributes")
		}
	}
	if len(tags) > 0 && !maps.Equal(tags, t.tags) {
		return nil, snsInvalid("Tags Reason: Topic already exists with different tags")
	}
	return Params{"TopicArn": t.arn}, nil
}

// snsAttributeFault refuses attributes and their values.
func snsAttributeFault(key, value string) error {
	const mostName = 100
	switch {
	case !slices.Contains(snsAttributes(), key):
		return snsInvalid("AttributeName")
	case key == "DisplayName" && len(value) > mostName:
		return snsInvalid("DisplayName Reason: must be at most %d characters", mostName)
	case key == "SignatureVersion" && value != "1" && value != "2":
		return snsInvalid("Attributes Reason: SignatureVersion must be 1 or 2")
	case key == "TracingConfig" && value != "PassThrough" && value != "Active":
		return snsInvalid("Attributes Reason: TracingConfig must be PassThrough or Active")
	case key == "DeliveryPolicy" && value != "" && !json.Valid([]byte(value)):
		return snsInvalid("DeliveryPolicy: failed to parse JSON.")
	case key == "Policy":
		return snsPolicyFault(value)
	}
	return nil
}

// snsPolicyFault refuses a resource policy without principals, or of actions that
// are not SNS's ("Policy statement action out of service scope!" is what users see).
func snsPolicyFault(source string) error {
	doc, wrong := parsePolicy(source)
	if wrong != "" {
		return snsInvalid("Policy Error: null")
	}
	for _, s := range doc.Statement {
		if s.Principal == nil && s.NotPrincipal == nil {
			return snsInvalid("Policy Error: PrincipalNotFound")
		}
		for _, action := range words(s.Action) {
			if !strings.HasPrefix(strings.ToLower(action), "sns:") {
				return snsInvalid("Policy statement action out of service scope!")
			}
		}
	}
	return nil
}

func (w *World) snsDelete(c *Call) (Params, error) {
	arn := text(c.In, "TopicArn")
	if arnPart(arn, 2) != "sns" {
		return nil, snsInvalid("TopicArn")
	}
	delete(w.sns().topics, arn) // of a topic that is not there, too: "This action is idempotent"
	return Params{}, nil
}

func snsGet(c *Call, t *snsTopic) (Params, error) {
	confirmed := 0
	for _, s := range t.subscriptions {
		if s.confirmed {
			confirmed++
		}
	}
	out := Params{
		"TopicArn": t.arn, "Owner": c.Account, "DisplayName": "", "Policy": snsDefaultPolicy(c, t),
		"SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(len(t.subscriptions) - confirmed),
		"SubscriptionsDeleted": "0", "EffectiveDeliveryPolicy": snsDelivery,
	}
	for key, value := range t.attributes {
		out[key] = value
	}
	return Params{"Attributes": out}, nil
}

// snsDelivery is the delivery policy of a topic without one (developer guide,
// "Message delivery retries").
const snsDelivery = `{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,` +
	`"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},` +
	`"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`

// snsDefaultPolicy lets the owner alone use a topic, as new topics do.
func snsDefaultPolicy(c *Call, t *snsTopic) string {
	document, err := json.Marshal(map[string]any{
		"Version": "2008-10-17", "Id": "__default_policy_ID",
		"Statement": []any{map[string]any{
			"Sid": "__default_statement_ID", "Effect": "Allow", "Principal": map[string]any{"AWS": "*"},
			"Action": []string{
				"SNS:GetTopicAttributes", "SNS:SetTopicAttributes", "SNS:AddPermission", "SNS:RemovePermission",
				"SNS:DeleteTopic", "SNS:Subscribe", "SNS:ListSubscriptionsByTopic", "SNS:Publish",
			},
			"Resource": t.arn, "Condition": map[string]any{"StringEquals": map[string]any{"AWS:SourceOwner": c.Account}},
		}},
	})
	if err != nil {
		return "" // it is made of texts alone
	}
	return string(document)
}

func snsSet(c *Call, t *snsTopic) (Params, error) {
	key, value := text(c.In, "AttributeName"), text(c.In, "AttributeValue")
	if key == "FifoTopic" {
		return nil, snsInvalid("AttributeName")
	}
	if err := snsAttributeFault(key, value); err != nil {
		return nil, err
	}
	t.attributes[key] = value
	if value == "" {
		delete(t.attributes, key)
	}
	return Params{}, nil
}
