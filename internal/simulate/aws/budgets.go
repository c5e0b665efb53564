package aws

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Limits of budgets (Billing user guide, "Quotas and restrictions").
const (
	mostNotifications  = 10
	mostEmails         = 10
	budgetsPage        = 100
	budgetNotification = "Notification"
)

// budgetsState is what the service keeps: budgets by name. It has no regions.
type budgetsState struct{ budgets map[string]*budget }

type budget struct {
	arn           string
	in            Params
	updated       time.Time
	start         time.Time
	tags          tagSet
	notifications []*budgetNotice // in the order they were made
}

type budgetNotice struct {
	in          Params
	subscribers []Params
}

// money returns the service's state, made at its first use.
func (w *World) money() *budgetsState {
	if w.budgets == nil {
		w.budgets = &budgetsState{budgets: map[string]*budget{}}
	}
	return w.budgets
}

func (w *World) budgetsHandlers() map[string]Handler {
	all := tagging{
		arn: "ResourceARN", tags: "ResourceTags", keys: "ResourceTagKeys",
		invalid: "InvalidParameterException", many: "ServiceQuotaExceededException", find: w.budgetTags,
	}.handlers()
	maps.Copy(all, map[string]Handler{
		"CreateBudget": w.budgetCreate, "DescribeBudget": w.onBudget(budgetDescribe), "UpdateBudget": w.budgetUpdate,
		"DeleteBudget": w.onBudget(w.budgetDelete), "DescribeBudgets": w.budgetList,
		"CreateNotification": w.onBudget(budgetAddNotice), "DescribeNotificationsForBudget": w.onBudget(budgetNotices),
		"UpdateNotification": w.onBudget(budgetChangeNotice), "DeleteNotification": w.onNotice(budgetDropNotice),
		"CreateSubscriber": w.onNotice(budgetAddSubscriber), "DeleteSubscriber": w.onNotice(budgetDropSubscriber),
		"DescribeSubscribersForNotification": w.onNotice(budgetSubscribers),
	})
	return all
}

// budgetAccount refuses other accounts than the caller's.
func budgetAccount(c *Call) error {
	if id := text(c.In, "AccountId"); id != c.Account {
		return fault("AccessDeniedException", "Account %s is not authorized to use budgets of account %s.", c.Account, id)
	}
	return nil
}

func budgetMissing(name string) *Fault {
	return fault("NotFoundException", "Unable to get budget: %s - the budget doesn't exist.", name)
}

// onBudget finds the budget that a request names.
func (w *World) onBudget(do func(*Call, *budget) (Params, error)) Handler {
	return func(c *Call) (Params, error) {
		if err := budgetAccount(c); err != nil {
			return nil, err
		}
		b := w.money().budgets[text(c.In, "BudgetName")]
		if b == nil {
			return nil, budgetMissing(text(c.In, "BudgetName"))
		}
		return do(c, b)
	}
}

func (w *World) budgetTags(_ *Call, arn string) (tagSet, error) {
	for _, b := range w.money().budgets {
		if b.arn == arn {
			return b.tags, nil
		}
	}
	return nil, fault("NotFoundException", "The resource %s doesn't exist.", arn)
}

func (w *World) budgetCreate(c *Call) (Params, error) {
	if err := budgetAccount(c); err != nil {
		return nil, err
	}
	in := structure(c.In, "Budget")
	name := text(in, "BudgetName")
	if err := budgetFault(in); err != nil {
		return nil, err
	}
	if w.money().budgets[name] != nil {
		return nil, fault("DuplicateRecordException", "Error creating budget: %s - the budget already exists.", name)
	}
	if err := (tagging{tags: "ResourceTags", invalid: "InvalidParameterException", many: "ServiceQuotaExceededException"}).check(c.In, nil); err != nil {
		return nil, err
	}
	b := &budget{arn: c.globalARN("budgets", "budget/"+name), in: in, updated: c.Time, start: c.Time, tags: tagsIn(c.In, "ResourceTags")}
	for _, n := range structures(c.In, "NotificationsWithSubscribers") {
		if _, err := budgetAddNotice(&Call{In: n}, b); err != nil {
			return nil, err
		}
	}
	w.money().budgets[name] = b
	return Params{}, nil
}

// budgetFilters are the dimensions by which costs are filtered (API reference,
// Budget).
func budgetFilters() []string {
	return []string{
		"AZ", "LinkedAccount", "Operation", "PurchaseType", "Region", "Service", "TagKeyValue", "UsageType", "UsageTypeGroup",
		"InstanceType", "BillingEntity", "LegalEntityName", "InvoicingEntity", "CostCategory", "RecordType", "Tenancy", "Platform",
	}
}

// budgetFault holds a budget to the API reference, Budget.
func budgetFault(in Params) error {
	limit := structure(in, "BudgetLimit")
	period := structure(in, "TimePeriod")
	start, end := moment(period, "Start"), moment(period, "End")
	switch {
	case limit == nil && in["PlannedBudgetLimits"] == nil && in["AutoAdjustData"] == nil:
		return fault("InvalidParameterException", "Budget must have a limit: BudgetLimit, PlannedBudgetLimits or AutoAdjustData.")
	case limit != nil && in["PlannedBudgetLimits"] != nil:
		return fault("InvalidParameterException", "Only one of BudgetLimit and PlannedBudgetLimits can be present.")
	case limit != nil && text(in, "BudgetType") == "COST" && text(limit, "Unit") != "USD":
		return fault("InvalidParameterException", "The unit of a cost budget must be USD, not %s.", text(limit, "Unit"))
	case limit != nil && strings.HasPrefix(text(limit, "Amount"), "-"):
		return fault("InvalidParameterException", "The amount of a budget must not be negative.")
	case !end.IsZero() && !start.Before(end):
		return fault("InvalidParameterException", "Start time must be before end time.")
	}
	return budgetFilterFault(in)
}

// budgetFilterFault holds the filters of a budget's costs to the API reference. A
// budget has those of the old form or those of the new one.
func budgetFilterFault(in Params) error {
	if in["FilterExpression"] != nil && (len(structure(in, "FilterExpression")) == 0 || in["CostFilters"] != nil) {
		return fault("InvalidParameterException", "FilterExpression must name a dimension, and come without CostFilters.")
	}
	for filter := range structure(in, "CostFilters") {
		if !slices.Contains(budgetFilters(), filter) {
			return fault("InvalidParameterException", "The cost filter %s is not valid.", filter)
		}
	}
	return nil
}

// view is a budget with the defaults that the service fills in (API reference,
// CostTypes and TimePeriod).
func (b *budget) view() Params {
	out := maps.Clone(b.in)
	costs := Params{
		"IncludeTax": true, "IncludeSubscription": true, "UseBlended": false, "IncludeRefund": true, "IncludeCredit": true,
		"IncludeUpfront": true, "IncludeRecurring": true, "IncludeOtherSubscription": true, "IncludeSupport": true,
		"IncludeDiscount": true, "UseAmortized": false,
	}
	maps.Copy(costs, structure(b.in, "CostTypes"))
	period := Params{
		"Start": time.Date(b.start.Year(), b.start.Month(), 1, 0, 0, 0, 0, time.UTC),
		"End":   time.Date(2087, time.June, 15, 0, 0, 0, 0, time.UTC),
	}
	maps.Copy(period, structure(b.in, "TimePeriod"))
	if out["CostFilters"] == nil && out["FilterExpression"] == nil {
		out["CostFilters"] = Params{}
	}
	out["TimePeriod"], out["LastUpdatedTime"] = period, b.updated
	out["CalculatedSpend"] = Params{"ActualSpend": Params{"Amount": "0.0", "Unit": "USD"}}
	if text(b.in, "BudgetType") == "COST" && b.in["Metrics"] == nil {
		out["CostTypes"] = costs
	}
	return out
}

func budgetDescribe(_ *Call, b *budget) (Params, error) { return Params{"Budget": b.view()}, nil }

func (w *World) budgetUpdate(c *Call) (Params, error) {
	fresh := structure(c.In, "NewBudget")
	named := &Call{In: Params{"AccountId": c.In["AccountId"], "BudgetName": text(fresh, "BudgetName")}, Account: c.Account, Time: c.Time}
	return w.onBudget(func(_ *Call, b *budget) (Params, error) {
		if err := budgetFault(fresh); err != nil {
			return nil, err
		}
		if text(fresh, "BudgetType") != text(b.in, "BudgetType") {
			return nil, fault("InvalidParameterException", "The type of a budget can't be changed.")
		}
		b.in, b.updated = fresh, c.Time
		return Params{}, nil
	})(named)
}

func (w *World) budgetDelete(c *Call, _ *budget) (Params, error) {
	delete(w.money().budgets, text(c.In, "BudgetName"))
	return Params{}, nil
}

func (w *World) budgetList(c *Call) (Params, error) {
	if err := budgetAccount(c); err != nil {
		return nil, err
	}
	var all []Params
	for _, b := range sorted(w.money().budgets) {
		all = append(all, b.view())
	}
	return budgetListed(c, "Budgets", all)
}

// budgetListed is one page of a list.
func budgetListed(c *Call, member string, all []Params) (Params, error) {
	page, next, ok := pageOf(all, text(c.In, "NextToken"), int(number(c.In, "MaxResults", budgetsPage)))
	if !ok {
		return nil, fault("InvalidNextTokenException", "The pagination token is invalid.")
	}
	shown := make([]any, 0, len(page))
	for _, p := range page {
		shown = append(shown, p)
	}
	out := Params{member: shown}
	if next != "" {
		out["NextToken"] = next
	}
	return out, nil
}
