package aws

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// snsPage is how many subscriptions, or topics, one answer lists (API reference,
// ListSubscriptionsByTopic).
const snsPage = 100

// snsEndpointFault refuses an endpoint that does not fit its protocol.
func snsEndpointFault(protocol, endpoint string) error {
	switch protocol {
	case "email", "email-json":
		if name, host, ok := strings.Cut(endpoint, "@"); !ok || name == "" || !strings.Contains(host, ".") {
			return snsInvalid("Email address")
		}
	case "http", "https":
		if !strings.HasPrefix(endpoint, protocol+"://") {
			return snsInvalid("Endpoint must match the specified protocol")
		}
	case "sqs", "lambda", "firehose", "application":
		if service := arnPart(endpoint, 2); service != protocol && protocol != "application" || service == "" {
			return snsInvalid("%s endpoint ARN", strings.ToUpper(protocol))
		}
	case "sms":
	default:
		return snsInvalid("Amazon SNS does not support this protocol string: %s", protocol)
	}
	return nil
}

// snsSubscribe adds a subscription, or returns the one that is there. Queues and
// functions of the account are confirmed at once; people and web servers confirm
// themselves (API reference, Subscribe).
func (w *World) snsSubscribe(c *Call, t *snsTopic) (Params, error) {
	protocol, endpoint := text(c.In, "Protocol"), text(c.In, "Endpoint")
	if err := snsEndpointFault(protocol, endpoint); err != nil {
		return nil, err
	}
	attributes := map[string]string(tagMapIn(c.In, "Attributes"))
	for _, s := range t.subscriptions {
		if s.protocol != protocol || s.endpoint != endpoint {
			continue
		}
		if len(attributes) > 0 && !maps.Equal(attributes, s.attributes) {
			return nil, snsInvalid("Attributes Reason: Subscription already exists with different attributes")
		}
		return s.answer(c), nil
	}
	w.sns().made++
	s := &snsSubscription{
		arn:      t.arn + ":" + uuidOf(t.arn, protocol, endpoint, strconv.Itoa(w.sns().made)),
		protocol: protocol, endpoint: endpoint, attributes: attributes,
		confirmed: slices.Contains([]string{"sqs", "lambda", "firehose", "application", "sms"}, protocol),
	}
	t.subscriptions = append(t.subscriptions, s)
	return s.answer(c), nil
}

// answer is what Subscribe says.
func (s *snsSubscription) answer(c *Call) Params {
	if s.confirmed || flag(c.In, "ReturnSubscriptionArn") {
		return Params{"SubscriptionArn": s.arn}
	}
	return Params{"SubscriptionArn": "pending confirmation"}
}

// snsFind finds a subscription.
func (w *World) snsFind(arn string) (*snsTopic, *snsSubscription) {
	for _, t := range w.sns().topics {
		for _, s := range t.subscriptions {
			if s.arn == arn {
				return t, s
			}
		}
	}
	return nil, nil
}

// snsUnsubscribe removes a subscription. One that nobody has confirmed yet
// cannot be removed: it goes on its own, or with the topic.
func (w *World) snsUnsubscribe(c *Call) (Params, error) {
	arn := text(c.In, "SubscriptionArn")
	if n := strings.Count(arn, ":") + 1; n < 6 {
		return nil, snsInvalid("SubscriptionArn Reason: An ARN must have at least 6 elements, not %d", n)
	}
	t, s := w.snsFind(arn)
	switch {
	case s == nil:
		return Params{}, nil
	case !s.confirmed:
		return nil, snsInvalid("SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation")
	}
	t.subscriptions = slices.DeleteFunc(t.subscriptions, func(o *snsSubscription) bool { return o == s })
	return Params{}, nil
}

func (w *World) snsSubscriptionAttributes(c *Call) (Params, error) {
	t, s := w.snsFind(text(c.In, "SubscriptionArn"))
	if s == nil {
		return nil, snsMissing("NotFound", "Subscription does not exist")
	}
	out := Params{
		"SubscriptionArn": s.arn, "TopicArn": t.arn, "Protocol": s.protocol, "Endpoint": s.endpoint, "Owner": c.Account,
		"PendingConfirmation": strconv.FormatBool(!s.confirmed), "RawMessageDelivery": "false",
	}
	for key, value := range s.attributes {
		out[key] = value
	}
	return Params{"Attributes": out}, nil
}

func snsListSubscriptions(c *Call, t *snsTopic) (Params, error) {
	page, next, ok := pageOf(t.subscriptions, text(c.In, "NextToken"), snsPage)
	if !ok {
		return nil, snsInvalid("NextToken")
	}
	shown := []any{}
	for _, s := range page {
		arn := s.arn
		if !s.confirmed {
			arn = "PendingConfirmation"
		}
		shown = append(shown, Params{
			"SubscriptionArn": arn, "Owner": c.Account, "Protocol": s.protocol, "Endpoint": s.endpoint, "TopicArn": t.arn,
		})
	}
	out := Params{"Subscriptions": shown}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}

// ConfirmSubscriptions plays the people and web servers who confirm what they
// were subscribed to. It returns how many did.
func (w *World) ConfirmSubscriptions(topicARN string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.sns().topics[topicARN]
	if t == nil {
		return 0
	}
	n := 0
	for _, s := range t.subscriptions {
		if !s.confirmed {
			s.confirmed = true
			n++
		}
	}
	return n
}
