package sagemaker

import (
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/budgets/types"

	"github.com/terraform-mlops/terraform-provider-mlops/internal/mlops"
)

// defaultAlerts are the percentages of a budget at which is told, where it names
// none.
func defaultAlerts() []int64 { return []int64{80, 100} }

// What AWS takes of one budget (AWS Budgets user guide, "Quotas").
const (
	maxAlerts      = 10
	maxSubscribers = 10
)

// checkBudget refuses what only AWS does not take.
func checkBudget(c *mlops.Checker, b *mlops.Budget) {
	if b == nil {
		return
	}
	if n := len(b.Emails); n > maxSubscribers {
		c.Add(mlops.At("budget", "emails"), "Too many addresses", "AWS tells at most %d addresses of a budget; these are %d. Give it that of a mailing list.", maxSubscribers, n)
	}
	if n := len(b.AlertPercents); n > maxAlerts {
		c.Add(mlops.At("budget", "alert_percents"), "Too many alerts", "AWS has at most %d alerts of a budget; these are %d.", maxAlerts, n)
	}
}

// putBudget makes the budget, or another of the same name: of costs that carry the
// environment's tag. AWS counts them once the tag is activated for cost
// allocation.
func (k environmentKind) putBudget(ctx context.Context, c *clients, p place, tags map[string]string) error {
	budget := environmentBudget(p)
	_, err := c.budgets.DescribeBudget(ctx, &budgets.DescribeBudgetInput{AccountId: &p.Account, BudgetName: budget.BudgetName})
	switch {
	case k.is(err, mlops.NotFound):
		in := &budgets.CreateBudgetInput{AccountId: &p.Account, Budget: budget, NotificationsWithSubscribers: budgetAlerts(p)}
		for _, t := range sagemakerTags(tags) {
			in.ResourceTags = append(in.ResourceTags, types.ResourceTag{Key: t.Key, Value: t.Value})
		}
		_, err = c.budgets.CreateBudget(ctx, in)
		return err
	case err != nil:
		return err
	}
	if _, err := c.budgets.UpdateBudget(ctx, &budgets.UpdateBudgetInput{AccountId: &p.Account, NewBudget: budget}); err != nil {
		return err
	}
	return k.restateAlerts(ctx, c, p, budget.BudgetName)
}

// restateAlerts replaces the budget's notifications: they have no name to be known
// by.
func (k environmentKind) restateAlerts(ctx context.Context, c *clients, p place, name *string) error {
	out, err := c.budgets.DescribeNotificationsForBudget(ctx, &budgets.DescribeNotificationsForBudgetInput{AccountId: &p.Account, BudgetName: name})
	if err != nil {
		return err
	}
	for _, n := range out.Notifications {
		if _, err := c.budgets.DeleteNotification(ctx, &budgets.DeleteNotificationInput{AccountId: &p.Account, BudgetName: name, Notification: &n}); err != nil {
			return err
		}
	}
	for _, n := range budgetAlerts(p) {
		if _, err := c.budgets.CreateNotification(ctx, &budgets.CreateNotificationInput{
			AccountId: &p.Account, BudgetName: name, Notification: n.Notification, Subscribers: n.Subscribers,
		}); err != nil {
			return err
		}
	}
	return nil
}

// environmentBudget is the budget as AWS has it.
func environmentBudget(p place) *types.Budget {
	region, _ := regionOf(p.Record.ID) // budgets are of all regions
	amount := strconv.FormatFloat(p.spec.Budget.MonthlyUSD, 'f', -1, 64)
	return &types.Budget{
		BudgetName: aws.String(budgetName(p.Record.ID)), BudgetType: types.BudgetTypeCost, TimeUnit: types.TimeUnitMonthly,
		BudgetLimit: &types.Spend{Amount: &amount, Unit: aws.String("USD")},
		CostFilters: map[string][]string{ //nolint:staticcheck // the published model knows no other filter
			"TagKeyValue": {"user:" + tagEnvironment + "$" + p.spec.Name}, "Region": {region},
		},
	}
}

// budgetAlerts tell at each percentage who is to be told: the addresses, or the
// environment's topic where there are none.
func budgetAlerts(p place) []types.NotificationWithSubscribers {
	percents := p.spec.Budget.AlertPercents
	if len(percents) == 0 {
		percents = defaultAlerts()
	}
	var who []types.Subscriber
	for _, e := range p.spec.Budget.Emails {
		who = append(who, types.Subscriber{SubscriptionType: types.SubscriptionTypeEmail, Address: aws.String(e)})
	}
	if len(who) == 0 {
		who = []types.Subscriber{{SubscriptionType: types.SubscriptionTypeSns, Address: aws.String(p.Topic)}}
	}
	var all []types.NotificationWithSubscribers
	for _, percent := range slices.Compact(slices.Sorted(slices.Values(percents))) {
		all = append(all, types.NotificationWithSubscribers{
			Notification: &types.Notification{
				ComparisonOperator: types.ComparisonOperatorGreaterThan, NotificationType: types.NotificationTypeActual,
				Threshold: float64(percent), ThresholdType: types.ThresholdTypePercentage,
			},
			Subscribers: who,
		})
	}
	return all
}

func (k environmentKind) dropBudget(ctx context.Context, c *clients, p place) error {
	_, err := c.budgets.DeleteBudget(ctx, &budgets.DeleteBudgetInput{AccountId: &p.Account, BudgetName: aws.String(budgetName(p.Record.ID))})
	return err
}
