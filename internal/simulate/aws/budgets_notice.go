package aws

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// noticeKey is what tells a budget's notifications apart.
func noticeKey(in Params) Params {
	return Params{
		"NotificationType": text(in, "NotificationType"), "ComparisonOperator": text(in, "ComparisonOperator"),
		"Threshold": decimal(in, "Threshold", 0), "ThresholdType": orElse(in, "ThresholdType", "PERCENTAGE"),
	}
}

// notice finds a notification of a budget, or nil.
func (b *budget) notice(in Params) *budgetNotice {
	for _, n := range b.notifications {
		if reflect.DeepEqual(noticeKey(n.in), noticeKey(in)) {
			return n
		}
	}
	return nil
}

// onNotice finds the notification that a request describes.
func (w *World) onNotice(do func(*Call, *budget, *budgetNotice) (Params, error)) Handler {
	return w.onBudget(func(c *Call, b *budget) (Params, error) {
		n := b.notice(structure(c.In, budgetNotification))
		if n == nil {
			return nil, fault("NotFoundException", "Unable to find the notification of budget %s.", text(c.In, "BudgetName"))
		}
		return do(c, b, n)
	})
}

func budgetAddNotice(c *Call, b *budget) (Params, error) {
	in, subscribers := structure(c.In, budgetNotification), structures(c.In, "Subscribers")
	switch {
	case b.notice(in) != nil:
		return nil, fault("DuplicateRecordException", "Unable to create notification: the notification already exists.")
	case len(b.notifications) == mostNotifications:
		return nil, fault("CreationLimitExceededException", "Unable to create notification: a budget can have at most %d notifications.", mostNotifications)
	}
	n := &budgetNotice{in: in}
	for _, s := range subscribers {
		if err := n.add(s); err != nil {
			return nil, err
		}
	}
	b.notifications = append(b.notifications, n)
	return Params{}, nil
}

// add subscribes somebody: up to ten addresses and one topic (API reference,
// NotificationWithSubscribers).
func (n *budgetNotice) add(s Params) error {
	kind, address := text(s, "SubscriptionType"), text(s, "Address")
	counted := 0
	for _, old := range n.subscribers {
		if text(old, "SubscriptionType") == kind {
			counted++
		}
		if text(old, "Address") == address {
			return fault("DuplicateRecordException", "Unable to create subscriber: the subscriber already exists.")
		}
	}
	switch {
	case kind == "EMAIL" && !strings.Contains(address, "@"):
		return fault("InvalidParameterException", "Invalid email address: %s", address)
	case kind == "SNS" && arnPart(address, 2) != "sns":
		return fault("InvalidParameterException", "Invalid SNS topic ARN: %s", address)
	case kind == "EMAIL" && counted == mostEmails, kind == "SNS" && counted == 1:
		return fault("CreationLimitExceededException", "Unable to create subscriber: the notification has as many as it can have.")
	}
	n.subscribers = append(n.subscribers, s)
	return nil
}

func budgetNotices(c *Call, b *budget) (Params, error) {
	var all []Params
	for _, n := range b.notifications {
		out := maps.Clone(n.in)
		out["ThresholdType"] = orElse(n.in, "ThresholdType", "PERCENTAGE")
		out["NotificationState"] = "OK"
		all = append(all, out)
	}
	return budgetListed(c, "Notifications", all)
}

func budgetChangeNotice(c *Call, b *budget) (Params, error) {
	n, other := b.notice(structure(c.In, "OldNotification")), b.notice(structure(c.In, "NewNotification"))
	switch {
	case n == nil:
		return nil, fault("NotFoundException", "Unable to find the notification of budget %s.", text(c.In, "BudgetName"))
	case other != nil && other != n:
		return nil, fault("DuplicateRecordException", "Unable to update notification: the notification already exists.")
	}
	n.in = structure(c.In, "NewNotification")
	return Params{}, nil
}

func budgetDropNotice(_ *Call, b *budget, n *budgetNotice) (Params, error) {
	b.notifications = slices.DeleteFunc(b.notifications, func(o *budgetNotice) bool { return o == n })
	return Params{}, nil
}

func budgetAddSubscriber(c *Call, _ *budget, n *budgetNotice) (Params, error) {
	return Params{}, n.add(structure(c.In, "Subscriber"))
}

// budgetDropSubscriber removes a subscriber. A notification without any has no
// use and goes too (API reference, DeleteSubscriber).
func budgetDropSubscriber(c *Call, b *budget, n *budgetNotice) (Params, error) {
	gone := structure(c.In, "Subscriber")
	before := len(n.subscribers)
	n.subscribers = slices.DeleteFunc(n.subscribers, func(s Params) bool {
		return text(s, "Address") == text(gone, "Address") && text(s, "SubscriptionType") == text(gone, "SubscriptionType")
	})
	if len(n.subscribers) == before {
		return nil, fault("NotFoundException", "Unable to delete subscriber: the subscriber doesn't exist.")
	}
	if len(n.subscribers) == 0 {
		return budgetDropNotice(c, b, n)
	}
	return Params{}, nil
}

func budgetSubscribers(c *Call, _ *budget, n *budgetNotice) (Params, error) {
	return budgetListed(c, "Subscribers", n.subscribers)
}
